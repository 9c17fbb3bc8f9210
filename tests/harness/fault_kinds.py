"""The ways in which a key fails, for runs under load: what its provider does to each request, streamed or not."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Literal

from harness.fake_provider import (
    CutBody,
    CutStream,
    DeadPort,
    FakeProvider,
    GarbageBody,
    Hang,
    Json,
    RawEvents,
    Reset,
    error,
)
from harness.fake_provider_answers import Scripted

_IN_BAND = b'{"error": {"message": "The server is overloaded", "type": "server_error", "code": null}}'


@dataclass(frozen=True, slots=True)
class FaultKind:
    """One way. `whole` and `streamed` are the answers to the two sorts of requests.

    `way` puts another base URL in the provider's place. `refuses`: the key says at once that it won't. `reaches_client`
    says that a stream's client must see it: content had been sent on.
    """

    name: str
    whole: Scripted = Json()  # noqa: RUF009 - frozen
    streamed: Scripted = Json()  # noqa: RUF009 - frozen
    way: Literal["provider", "nobody listens", "untrusted certificate"] = "provider"
    refuses: bool = False
    reaches_client: bool = False


def _both(name: str, answer: Scripted, *, refuses: bool = False) -> FaultKind:
    return FaultKind(name, answer, answer, refuses=refuses)


FAULT_KINDS = (
    FaultKind("connection refused", way="nobody listens", refuses=True),
    FaultKind("TLS: untrusted certificate", way="untrusted certificate", refuses=True),
    _both("reset before the answer", Reset()),
    _both("429, retry-after 2", error(429, "Rate limit reached", headers={"retry-after": "2"}), refuses=True),
    _both("429 without a hint", error(429, "Rate limit reached"), refuses=True),
    _both(
        "quota gone",
        error(429, "You exceeded your quota", kind="insufficient_quota", code="insufficient_quota"),
        refuses=True,
    ),
    _both("401", error(401, "Incorrect API key provided", code="invalid_api_key"), refuses=True),
    _both("500", error(500, "The server had an error", kind="server_error")),
    _both("529", error(529, "Overloaded", kind="overloaded_error")),
    # a whole answer has no first token: there, silence is told from thinking once its head has come
    FaultKind("hangs before the first token", Hang("headers"), Hang()),
    _both("garbage for an answer", GarbageBody()),
    FaultKind("error as the first event", Json(200, _IN_BAND), RawEvents(b"data: " + _IN_BAND + b"\n\n")),
    FaultKind("breaks after content", CutBody(), CutStream(), reaches_client=True),
)


@dataclass(frozen=True, slots=True)
class Failing:
    """The provider of a run, and the base URL at which failing keys are asked."""

    provider: FakeProvider
    base_url: str

    def fail(self, credential: str, kind: FaultKind, *, stream: bool) -> None:
        """From now on requests with this credential end as `kind` says."""
        self.provider.always(kind.streamed if stream else kind.whole, key=credential)


@asynccontextmanager
async def failing(kind: FaultKind) -> AsyncIterator[Failing]:
    """A provider in good health, but for what `kind` puts beside it."""
    async with AsyncExitStack() as stack:
        provider = await stack.enter_async_context(FakeProvider())
        match kind.way:
            case "provider":
                yield Failing(provider, provider.base_url)
            case "nobody listens":
                yield Failing(provider, stack.enter_context(DeadPort()).base_url)
            case "untrusted certificate":
                other = await stack.enter_async_context(FakeProvider(tls="untrusted"))
                yield Failing(provider, other.base_url)
            case _:
                raise ValueError(f"no way to a provider: {kind.way!r}")
