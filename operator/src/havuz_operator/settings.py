"""Settings of the operator: environment variables `HAVUZ_…`, or flags of the same names.

Whatever is wrong is refused at start with a sentence that names the setting; values of secrets are never shown.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, FilePath, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from havuz_contract.connection import FORMS, read_url
from havuz_contract.snapshot.envelope import Keyring

Port = Annotated[int, Field(ge=1, le=65535)]


class SettingsError(Exception):
    """The settings do not allow a start. The message is one sentence per setting, without any secret."""


class Settings(BaseSettings):
    """All settings of the operator. Secrets are better given as environment variables or files: flags show in `ps`."""

    model_config = SettingsConfigDict(
        env_prefix="HAVUZ_",
        env_ignore_empty=True,
        extra="ignore",
        hide_input_in_errors=True,
        cli_prog_name="havuz-operator",
        cli_kebab_case=True,
        cli_hide_none_type=True,
        cli_avoid_json=True,
    )

    redis_url: SecretStr = Field(
        default=SecretStr("redis://127.0.0.1:6379/0"),
        description=f"where to publish: {FORMS} URL, with its user and password",
    )
    redis_ca_file: FilePath | None = Field(
        default=None, description="file of the authorities that sign the certificates of a Redis over TLS"
    )
    encryption_keys: SecretStr = Field(
        default=SecretStr(""),
        description="keys that seal upstream credentials, as id:base64 entries; the first one seals",
    )
    encryption_keys_file: Path | None = Field(default=None, description="file that holds the encryption keys instead")
    namespaces: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="namespaces to watch, separated by commas (default: the whole cluster)"
    )
    debounce: Annotated[float, Field(ge=0, le=10)] = Field(
        default=0.02, description="seconds to wait for further changes before compiling"
    )
    resync_interval: Annotated[float, Field(ge=5, le=86_400)] = Field(
        default=300.0, description="seconds between two full listings, which heal whatever a watch has missed"
    )
    operations_host: str = Field(
        default="0.0.0.0",  # noqa: S104 - the kubelet calls it
        description="address of /livez",
    )
    operations_port: Port = Field(default=9090, description="port of /livez; never public")
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="least level to log")
    log_format: Literal["json", "text"] = Field(default="json", description="how log lines look")

    @field_validator("redis_url")
    @classmethod
    def _plausible_url(cls, url: SecretStr) -> SecretStr:
        read_url(url.get_secret_value())
        return url

    @field_validator("namespaces", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return tuple(name for name in re.split(r"[,\s]+", value) if name) if isinstance(value, str) else value

    def keyring(self) -> Keyring:
        """The encryption keys. Raises `SettingsError` when there are none, or they are malformed."""
        text = self.encryption_keys.get_secret_value()
        if self.encryption_keys_file is not None:
            try:
                text = self.encryption_keys_file.read_text()
            except OSError as error:
                raise SettingsError(
                    f"encryption_keys_file {str(self.encryption_keys_file)!r} can't be read: {error.strerror}"
                ) from None
        if not text.strip():
            raise SettingsError("encryption_keys is not set: give HAVUZ_ENCRYPTION_KEYS or HAVUZ_ENCRYPTION_KEYS_FILE")
        try:
            return Keyring.parse(text)
        except ValueError as error:
            raise SettingsError(f"encryption_keys: {error}") from None


def read_settings(arguments: Sequence[str]) -> Settings:
    """Settings from flags, then the environment, then defaults. Raises `SettingsError`; `--help` prints and exits."""
    try:
        return Settings(_cli_parse_args=list(arguments))
    except ValidationError as error:
        raise SettingsError("\n".join(_sentence(fault) for fault in error.errors(include_url=False))) from None


def _sentence(fault: Any) -> str:
    name = ".".join(str(step) for step in fault["loc"])
    return f"setting {name!r} (HAVUZ_{name.upper()}): {fault['msg'].removeprefix('Value error, ')}"
