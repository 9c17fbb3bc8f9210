"""What can be wrong with a provider's answer, in whatever protocol it speaks: an error it tells, or no sense at all."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ProviderError:
    """What the provider said. `message` is bounded; `code` and `type` are its own words, None where it gave none."""

    message: str
    type: str | None = None
    code: str | int | None = None
    param: str | None = None
    status: str | None = None  # Google's status word, e.g. RESOURCE_EXHAUSTED
    retry_delay: float | None = None  # seconds, where the body itself says when to come back (Google's RetryInfo)
    quota: str | None = None  # names of the quotas that are used up (Google's QuotaFailure)


class AnswerUnreadable(ValueError):
    """The provider's answer, or an event of its stream, is not what its protocol promises."""
