"""Settings of the operator: environment variables `HAVUZ_…`, or flags of the same names.

Whatever is wrong is refused at start with a sentence that names the setting; values of secrets are never shown.
"""

import re
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from havuz_contract.settings import Port, ProcessSettings


class Settings(ProcessSettings):
    """All settings of the operator. Secrets are better given as environment variables or files: flags show in `ps`."""

    model_config = SettingsConfigDict(cli_prog_name="havuz-operator")

    namespaces: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="namespaces to watch, separated by commas (default: the whole cluster)"
    )
    debounce: Annotated[float, Field(ge=0, le=10)] = Field(
        default=0.01, description="seconds to wait for further changes before compiling"
    )
    resync_interval: Annotated[float, Field(ge=5, le=86_400)] = Field(
        default=300.0, description="seconds between two full listings, which heal whatever a watch has missed"
    )
    lease_namespace: str | None = Field(
        default=None, description="namespace of the Lease that several operators elect one by (default: no election)"
    )
    lease_name: str = Field(default="havuz-operator", description="name of that Lease")
    operations_host: str = Field(
        default="0.0.0.0",  # noqa: S104 - the kubelet calls it
        description="address of /livez",
    )
    operations_port: Port = Field(default=9090, description="port of /livez; never public")

    @field_validator("namespaces", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return tuple(name for name in re.split(r"[,\s]+", value) if name) if isinstance(value, str) else value


def read_settings(arguments: Sequence[str]) -> Settings:
    """Settings from flags, then the environment, then defaults. Raises `SettingsError`; `--help` prints and exits."""
    return Settings.make(_cli_parse_args=list(arguments))
