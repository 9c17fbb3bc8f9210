"""Values that travel between the steps of the pipeline. No behaviour beyond what a value can say of itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from havuz_contract.snapshot.models import Mode, Project, ProjectKey, Route
from havuz_gateway.pool.types import Candidate
from havuz_gateway.pool.verdict import Verdict
from havuz_gateway.pool.waiting import Waiting
from havuz_gateway.protocols.body import Body
from havuz_gateway.protocols.wire import Answers
from havuz_gateway.telemetry.recorder import AttemptTrace
from havuz_gateway.transport.upload import Upload
from havuz_gateway.values import frozen

Operation = Literal["chat", "embeddings", "image", "speech", "transcription"]
# "embedding" is Google's call for the embedding of one content.
Action = Literal["chat", "embeddings", "embedding", "count_tokens", "image", "image_edit", "speech", "transcription"]
_OPERATIONS: Mapping[Action, Operation] = {
    "chat": "chat",
    "embeddings": "embeddings",
    "embedding": "embeddings",
    "count_tokens": "chat",
    "image": "image",
    "image_edit": "image",
    "speech": "speech",
    "transcription": "transcription",
}


@dataclass(frozen=True, slots=True)
class Earlier:
    """What a request goes on from and only names.

    `whole` is the body in which it is written out. `home` is the upstream (its uid) and the model that keep it
    themselves, and so are sent the client's own body. Another provider of the client's protocol is sent `relayed`,
    where `lost` names what it would not take.
    """

    whole: Body
    relayed: Body
    home: tuple[str, str] | None = None
    lost: tuple[str, ...] = ()


@frozen
class Call:
    """What the client asks for, as its surface read it. `timeout` is seconds; `modes` the switches that are on.

    `include_usage` says whether the client itself asked for the usage chunk of a stream. `headers` are those of the
    client's that a provider of the same protocol is sent (lower case). `estimate` makes the answer of a call that the
    gateway can answer by itself, if only roughly, where no upstream does.
    """

    action: Action
    protocol: str
    model: str
    stream: bool
    body: Body
    timeout: float | None = None
    modes: tuple[Literal["think", "deepsearch"], ...] = ()
    include_usage: bool = False
    parameters: Mapping[str, Any] = field(default_factory=dict)  # the body's top-level fields, decoded
    headers: Mapping[str, str] = field(default_factory=dict)
    estimate: Callable[[], bytes] | None = None
    earlier: Earlier | None = None
    dialect: str | None = None  # of the client's protocol, for translated answers
    echo: Mapping[str, Any] | None = None  # the request that a translated answer repeats settings of
    upload: Upload | None = None  # the form that `body` holds the texts of
    answers: Answers = "json"  # how the answer comes where it is not streamed
    seconds: float | None = None  # how long the sound says it is

    @property
    def whole(self) -> Body:
        """The body with everything that the model is to read."""
        return self.body if self.earlier is None else self.earlier.whole

    @property
    def size(self) -> int:
        """Bytes of the client's body."""
        return len(self.body.raw) if self.upload is None else self.upload.size

    @property
    def attached(self) -> int:
        """The number of pictures that are to be changed."""
        if self.upload is not None:
            return sum(self.upload.files().values())
        images = self.body.fields.get("images")
        return len(images) if isinstance(images, list) else 0

    @property
    def operation(self) -> Operation:
        """The operation of the route that serves it; counting a chat's tokens is a part of chat."""
        return _OPERATIONS[self.action]


@frozen
class Identity:
    """Whose request it is."""

    project: Project
    key: ProjectKey


@frozen
class Plan:
    """Where a request may go: tiers in order, each a list of candidates that are equally preferred.

    `output_bound` is the output tokens of each choice that are asked for where the client gives no bound of its own.
    For the choice among candidates: `conversation` is one number for all requests of a conversation, `costs` what the
    request will probably cost at each target (by identity), `too_small` the targets that it clearly does not fit.
    """

    route: Route
    tiers: tuple[tuple[Candidate, ...], ...]
    modes: tuple[Mode, ...] = ()
    output_bound: int | None = None
    conversation: int | None = None
    costs: Mapping[int, int] = field(default_factory=dict)
    too_small: frozenset[int] = frozenset()


@dataclass(slots=True)
class Attempt:
    """One call to one upstream, as spans, headers and the ledger see it."""

    number: int  # from 1
    candidate: Candidate
    protocol: str  # in which the provider is asked
    started_at: float  # monotonic seconds
    waiting: Waiting  # all who wait for the same, it among them as number `place`
    place: int
    status: int | None = None
    verdict: Verdict | None = None
    committed: bool = False
    trace: AttemptTrace | None = None  # None for an unsampled request
