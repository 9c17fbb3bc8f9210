"""Rotations: the keys that were replaced and still work, and whether what was asked for was done."""

from havuz_contract import rotation
from havuz_contract.compiler.credentials import Secrets
from havuz_contract.rotation import ANNOTATION, Entries
from havuz_contract.snapshot.models import ProjectKey as KeyPart
from havuz_contract.v1alpha1.conditions import Condition, not_rotated, rotated
from havuz_contract.v1alpha1.project import Project


def former_parts(current: KeyPart, entries: Entries) -> list[KeyPart]:
    """The keys that `current` replaced, for gateways: with its name, id and limits, and ends of their own."""
    replaced = (one for one in rotation.former_keys(entries) if one.sha256 != current.sha256)
    return [
        current.model_copy(
            update={
                "sha256": one.sha256,
                "masked": one.masked,
                "created_at": one.created_at,
                "expires_at": one.until if current.expires_at is None else min(one.until, current.expires_at),
            }
        )
        for one in replaced
    ]


def judged(project: Project, secrets: Secrets) -> tuple[Condition, ...]:
    """The condition Rotated; none where no rotation was asked for."""
    if ANNOTATION not in project.metadata.annotations:
        return ()
    refused, pending = rotation.asked(project)[1], []
    for one in rotation.due(project, secrets):
        if rotation.is_made(secrets[project.metadata.namespace, one.secret_name]):
            pending.append(
                f"key {one.key.name!r} is to be rotated for {one.value!r}; if that stays so, see the operator's log"
            )
        else:
            sentence = (
                f"Secret {one.secret_name!r} of key {one.key.name!r} was not made by havuz, and is never written over"
            )
            refused.append(f"{sentence}; write another key into it, or delete it to have one made")
    if refused:
        return (not_rotated("RotationRefused", [*refused, *pending]),)
    if pending:
        return (not_rotated("RotationPending", pending),)
    return (rotated(f"Every key that the annotation {ANNOTATION} names was rotated."),)
