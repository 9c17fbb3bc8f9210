"""What operator and gateway are both told at start: where Redis is, the encryption keys, how to log.

Environment variables `HAVUZ_…`, or flags of the same names. Whatever is wrong is refused at start with a sentence that
names the setting; values of secrets are never shown.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, FilePath, SecretStr, ValidationError, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from havuz_contract.connection import FORMS, read_url
from havuz_contract.snapshot.envelope import Keyring

Port = Annotated[int, Field(ge=1, le=65535)]


class SettingsError(Exception):
    """The settings do not allow a start. The message is one sentence per setting, without any secret."""


class ProcessSettings(BaseSettings):
    """Base of each process's settings; a subclass adds its own and its `cli_prog_name`."""

    model_config = SettingsConfigDict(
        env_prefix="HAVUZ_",
        env_ignore_empty=True,
        extra="ignore",
        hide_input_in_errors=True,
        cli_kebab_case=True,
        cli_hide_none_type=True,
        cli_avoid_json=True,
    )

    redis_url: SecretStr = Field(
        default=SecretStr("redis://127.0.0.1:6379/0"),
        description=f"Redis between operator and gateways: {FORMS} URL, with its user and password",
    )
    redis_ca_file: FilePath | None = Field(
        default=None, description="file of the authorities that sign the certificates of a Redis over TLS"
    )
    encryption_keys: SecretStr = Field(
        default=SecretStr(""),
        description="keys that seal and open upstream credentials, as id:base64 entries; the first one seals",
    )
    encryption_keys_file: Path | None = Field(default=None, description="file that holds the encryption keys instead")
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="least level to log")
    log_format: Literal["json", "text"] = Field(default="json", description="how log lines look")

    @field_validator("redis_url")
    @classmethod
    def _plausible_url(cls, url: SecretStr) -> SecretStr:
        read_url(url.get_secret_value())
        return url

    @classmethod
    def make(cls, **values: Any) -> Self:
        """Settings from these values, then the environment, then defaults. Raises `SettingsError`."""
        try:
            return cls(**values)
        except ValidationError as error:
            raise SettingsError("\n".join(_sentence(fault) for fault in error.errors(include_url=False))) from None

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


def _sentence(fault: ErrorDetails) -> str:
    name, message = ".".join(map(str, fault["loc"])), fault["msg"].removeprefix("Value error, ")
    if not name:
        return f"settings: {message}"
    return f"setting {name!r} (HAVUZ_{name.upper()}, --{name.replace('_', '-')}): {message}"
