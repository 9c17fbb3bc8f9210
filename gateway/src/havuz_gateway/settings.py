"""Settings of a gateway process: environment variables `HAVUZ_…`, or flags of the same names.

Whatever is wrong is refused at start with a sentence that names the setting; values of secrets are never shown.
OpenTelemetry exporters are configured by the standard `OTEL_…` variables.
"""

import os
import secrets
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, FilePath, SecretStr, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from havuz_contract.settings import Port, ProcessSettings
from havuz_gateway.callbacks.delivery import DELAYS
from havuz_gateway.transport.addresses import read_networks

_LONGEST_DELAY = 5 * 86_400  # records of callbacks live for a week after their last attempt
Seconds = Annotated[float, Field(ge=0, le=86_400)]


def default_gateway_id() -> str:
    """A name that no other gateway process has, now or after a restart."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"


class Settings(ProcessSettings):
    """A gateway of havuz. Every flag is an environment variable too: --redis-url is HAVUZ_REDIS_URL.

    Give secrets by environment or file: flags show in `ps`. Traces and metrics are exported as OTEL_* variables say.
    """

    model_config = SettingsConfigDict(cli_prog_name="havuz-gateway")

    role: Literal["both", "proxy", "worker"] = Field(
        default="both", description="proxy: answer clients; worker: do tasks, listening to nobody; both"
    )
    host: str = Field(default="0.0.0.0", description="address that clients call")  # noqa: S104 - a pod's address
    port: Port = Field(default=8080, description="port that clients call")
    operations_host: str = Field(
        default="0.0.0.0",  # noqa: S104 - the kubelet and Prometheus call it
        description="address of /livez, /readyz and /metrics, or unix:/path of a socket",
    )
    operations_port: int = Field(
        default=9090, ge=0, le=65535, description="port of /livez, /readyz and /metrics, never public; 0 for none"
    )
    workers: int = Field(
        default=1, ge=1, le=256, description="processes that share the port; each is a gateway of its own to the fleet"
    )
    shared_port: bool = Field(
        default=False, description="listen on a port on which other gateways of this machine listen, too"
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
    max_image_form_bytes: int = Field(
        default=64 * 1024 * 1024, ge=1024, le=1024**3, description="largest form with pictures to change, in bytes"
    )
    max_audio_form_bytes: int = Field(
        default=25 * 1024 * 1024, ge=1024, le=1024**3, description="largest form with sound to transcribe, in bytes"
    )
    upload_room_bytes: int = Field(
        default=192 * 1024 * 1024,
        ge=1024 * 1024,
        le=1024**4,
        description="bytes of forms that are kept in the temporary folder at a time, at most; beyond that 503",
    )
    drain_delay: Seconds = Field(
        default=5.0, description="seconds to go on accepting after SIGTERM, until load balancers have noticed"
    )
    drain_grace: Seconds = Field(default=300.0, description="seconds that requests in flight have to end after that")
    http_client: Literal["own", "aiohttp"] = Field(
        default="own", description="what calls providers: a client of havuz's own, or aiohttp, which costs more"
    )
    upstream_connections: int = Field(
        default=4096,
        ge=1,
        le=65_000,
        description="connections to one provider's address, at most: requests beyond them wait their turn, 5 s at most",
    )
    http_server: Literal["own", "aiohttp"] = Field(
        default="own",
        description="what reads requests: havuz itself where they are plain HTTP/1.1, or aiohttp all, which costs more",
    )
    http_head_seconds: Annotated[float, Field(ge=0.1, le=3600)] = Field(
        default=30.0, description="seconds that a request's head may take to arrive"
    )
    meter_timeout: Annotated[float, Field(gt=0, le=60)] = Field(
        default=1.0, description="seconds without an answer after which Redis counts as away for metering"
    )
    reservation_margin: Seconds = Field(
        default=60.0, description="seconds after a request's deadline until its reservation counts as abandoned"
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
    response_days: int = Field(
        default=30,
        ge=0,
        le=3650,
        description="days after its last use that a response of the Responses API is kept in Redis; 0 keeps none",
    )
    response_bytes: int = Field(
        default=256 * 1024 * 1024,
        ge=64 * 1024,
        le=1024**4,
        description="bytes of responses that are kept in Redis for each project, at most: the oldest make room",
    )
    image_model: str = Field(
        default="gpt-image-1.5", min_length=1, max_length=256, description="public model of /api/generate"
    )
    task_seconds: Annotated[float, Field(ge=1, le=86_400)] = Field(
        default=3600.0,
        description="seconds that a task has from its order to its end; its credits are held for as long",
    )
    task_days: int = Field(default=7, ge=1, le=365, description="days that a task can be asked about after its end")
    task_open: int = Field(default=1_000, ge=1, le=1_000_000, description="tasks of each project that may be open")
    task_slots: int = Field(default=8, ge=1, le=1_000, description="tasks that a worker does at a time")
    task_attempts: int = Field(
        default=3, ge=1, le=20, description="times that a task is begun, at most, as workers die"
    )
    task_lease: Annotated[float, Field(ge=0.5, le=600)] = Field(
        default=30.0, description="seconds without a sign of life after which a worker's tasks are given to another"
    )
    object_store: SecretStr = Field(
        default=SecretStr(""),
        description="where pictures and sounds are kept: s3://bucket/prefix, gs://…, az://… or file:///folder",
    )
    file_days: int = Field(default=7, ge=1, le=3650, description="days that a picture or sound is kept")
    file_bytes: int = Field(
        default=64 * 1024 * 1024, ge=1024, le=1024**3, description="largest picture or sound that is kept, in bytes"
    )
    file_link_hours: Annotated[float, Field(gt=0, le=24 * 3650)] = Field(
        default=72.0, description="hours for which a link to a picture or sound works"
    )
    public_url: str = Field(
        default="",
        pattern=r"^(https?://[^/?#@\s]+(/[^?#\s]*)?)?$",
        description="what links begin with, such as https://api.example.com (default: as each client called)",
    )
    fetch_allow: str = Field(
        default="",
        description="networks inside, such as 10.1.0.0/16, that URLs of clients may lead to (default: none)",
    )
    pages: bool = Field(default=True, description="whether customers find their dashboard under /dashboard")
    pages_sites_file: FilePath | None = Field(
        default=None, description="file that says which name, colour and links the pages have on which host"
    )
    pages_proxies: int = Field(
        default=0,
        ge=0,
        le=10,
        description="proxies in front whose X-Forwarded-For and X-Forwarded-Proto the pages believe",
    )
    pages_session_minutes: Annotated[float, Field(ge=1, le=720)] = Field(
        default=60.0, description="minutes without a click after which somebody is signed out of the pages"
    )
    callback_delays: str = Field(
        default=" ".join(f"{seconds:g}" for seconds in DELAYS),
        description="seconds between one attempt of a callback and the next",
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

    @field_validator("port", "operations_port", mode="before")
    @classmethod
    def _no_service_link(cls, port: object) -> object:
        if isinstance(port, str) and port.startswith("tcp://"):
            raise ValueError(
                "was set by Kubernetes for a Service of that name: set enableServiceLinks: false on the pod"
            )
        return port

    @field_validator("callback_delays")
    @classmethod
    def _delays(cls, text: str) -> str:
        try:
            if all(0 <= float(delay) <= _LONGEST_DELAY for delay in text.split()):
                return text
        except ValueError:
            pass
        raise ValueError(f"write numbers of seconds, of {_LONGEST_DELAY} at most, such as '5 300 1800'")

    @field_validator("fetch_allow")
    @classmethod
    def _networks(cls, text: str) -> str:
        read_networks(text)
        return text

    @model_validator(mode="after")
    def _two_ports(self) -> "Settings":
        if self.port == self.operations_port and not self.operations_host.startswith("unix:"):
            raise ValueError("port and operations_port are the same: give operations a port of their own")
        return self


def read_settings(arguments: Sequence[str]) -> Settings:
    """Settings from flags, then the environment, then defaults. Raises `SettingsError`; `--help` prints and exits."""
    return Settings.make(_cli_parse_args=list(arguments))
