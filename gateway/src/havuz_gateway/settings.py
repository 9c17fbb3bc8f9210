"""Settings of a gateway process: environment variables `HAVUZ_…`, or flags of the same names.

Whatever is wrong is refused at start with a sentence that names the setting; values of secrets are never shown.
OpenTelemetry exporters are configured by the standard `OTEL_…` variables.
"""

import os
import secrets
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, FilePath, SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from havuz_contract.connection import FORMS, read_url
from havuz_contract.snapshot.envelope import Keyring

Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(ge=0, le=86_400)]


class SettingsError(Exception):
    """The settings do not allow a start. The message is one sentence per setting, without any secret."""


def default_gateway_id() -> str:
    """A name that no other gateway process has, now or after a restart."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"


class Settings(BaseSettings):
    """A gateway of havuz. Every flag is an environment variable too: --redis-url is HAVUZ_REDIS_URL.

    Give secrets by environment or file: flags show in `ps`. Traces and metrics are exported as OTEL_* variables say.
    """

    model_config = SettingsConfigDict(
        env_prefix="HAVUZ_",
        env_ignore_empty=True,
        extra="ignore",
        hide_input_in_errors=True,
        cli_prog_name="havuz-gateway",
        cli_kebab_case=True,
        cli_hide_none_type=True,
        cli_avoid_json=True,
    )

    redis_url: SecretStr = Field(
        default=SecretStr("redis://127.0.0.1:6379/0"),
        description=f"where the operator publishes: {FORMS} URL, with its user and password",
    )
    redis_ca_file: FilePath | None = Field(
        default=None, description="file of the authorities that sign the certificates of a Redis over TLS"
    )
    encryption_keys: SecretStr = Field(
        default=SecretStr(""),
        description="keys that open upstream credentials, as id:base64 entries; the first one seals",
    )
    encryption_keys_file: Path | None = Field(default=None, description="file that holds the encryption keys instead")
    host: str = Field(default="0.0.0.0", description="address that clients call")  # noqa: S104 - a pod's address
    port: Port = Field(default=8080, description="port that clients call")
    operations_host: str = Field(
        default="0.0.0.0",  # noqa: S104 - the kubelet and Prometheus call it
        description="address of /livez, /readyz and /metrics",
    )
    operations_port: int = Field(
        default=9090, ge=0, le=65535, description="port of /livez, /readyz and /metrics, never public; 0 for none"
    )
    state_dir: Path | None = Field(
        default=None, description="folder for an encrypted copy of the configuration, to start with while Redis is away"
    )
    gateway_id: str = Field(
        default_factory=default_gateway_id,
        min_length=1,
        max_length=128,
        pattern=r"^[A-Za-z0-9._:-]+$",
        description="name of this process in the fleet (default: host name, process id, and something random)",
    )
    max_body_bytes: int = Field(
        default=32 * 1024 * 1024, ge=1024, le=1024**3, description="largest request body, in bytes"
    )
    drain_delay: Seconds = Field(
        default=5.0, description="seconds to go on accepting after SIGTERM, until load balancers have noticed"
    )
    drain_grace: Seconds = Field(default=300.0, description="seconds that requests in flight have to end after that")
    meter_timeout: Annotated[float, Field(gt=0, le=60)] = Field(
        default=1.0, description="seconds without an answer after which Redis counts as away for metering"
    )
    reservation_margin: Seconds = Field(
        default=60.0, description="seconds after a request's deadline until its reservation counts as abandoned"
    )
    abandoned: Literal["Release", "BillInput"] = Field(
        default="Release", description="what a request costs whose gateway died: nothing, or its estimated input"
    )
    sweep_interval: Annotated[float, Field(ge=0.1, le=3600)] = Field(
        default=5.0, description="seconds between two looks for abandoned requests, by one gateway of the fleet"
    )
    usage_days: int = Field(default=400, ge=1, le=3650, description="days that usage is kept in Redis")
    usage_events: int = Field(
        default=1_000_000,
        ge=1_000,
        le=1_000_000_000,
        description="usage events kept in Redis for each project, at most",
    )
    spool_bytes: int = Field(
        default=256 * 1024 * 1024, ge=64 * 1024, le=1024**4,
        description="bytes of settles that are kept in state_dir while Redis is away",
    )  # fmt: skip
    trace_ratio: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="share of requests to trace, 0 to 1 (default: as OTEL_TRACES_SAMPLER says)",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="least level to log")
    log_format: Literal["json", "text"] = Field(default="json", description="how log lines look")

    @field_validator("port", "operations_port", mode="before")
    @classmethod
    def _no_service_link(cls, port: object) -> object:
        if isinstance(port, str) and port.startswith("tcp://"):
            raise ValueError(
                "was set by Kubernetes for a Service of that name: set enableServiceLinks: false on the pod"
            )
        return port

    @field_validator("redis_url")
    @classmethod
    def _plausible_url(cls, url: SecretStr) -> SecretStr:
        read_url(url.get_secret_value())
        return url

    @model_validator(mode="after")
    def _two_ports(self) -> "Settings":
        if self.port == self.operations_port:
            raise ValueError("port and operations_port are the same: give operations a port of their own")
        return self

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
    return make_settings(_cli_parse_args=list(arguments))


def make_settings(**values: Any) -> Settings:
    """Settings from these values, then the environment, then defaults. Raises `SettingsError`."""
    try:
        return Settings(**values)
    except ValidationError as error:
        raise SettingsError("\n".join(_sentence(fault) for fault in error.errors(include_url=False))) from None


def _sentence(fault: ErrorDetails) -> str:
    name, message = ".".join(map(str, fault["loc"])), fault["msg"].removeprefix("Value error, ")
    if not name:
        return f"settings: {message}"
    return f"setting {name!r} (HAVUZ_{name.upper()}, --{name.replace('_', '-')}): {message}"
