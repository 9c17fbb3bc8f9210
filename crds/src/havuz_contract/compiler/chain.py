"""Checks in a row: each looks at one object and says what is wrong with it, or nothing."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeVar

from havuz_contract.v1alpha1.conditions import Condition, Reason, accepted, refused

Subject = TypeVar("Subject")


class Finding(NamedTuple):
    """What is wrong: a reason for machines and a sentence for people."""

    reason: Reason
    sentence: str


Check = Callable[[Subject], Iterable[Finding]]


def examine(checks: Sequence[Check[Subject]], subject: Subject) -> Condition:
    """The Accepted condition of an object: the first finding gives the reason, all of them the sentences."""
    findings = [finding for check in checks for finding in check(subject)]
    if not findings:
        return accepted()
    return refused(findings[0].reason, [finding.sentence for finding in findings])
