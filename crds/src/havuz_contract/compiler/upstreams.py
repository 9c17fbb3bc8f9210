"""UpstreamKeys: from a resource and its Secret to the upstream that a gateway calls."""

from havuz_contract.compiler import billing, checks, credentials
from havuz_contract.compiler.chain import examine
from havuz_contract.compiler.credentials import Missing, Secrets
from havuz_contract.compiler.outcome import ObjectStatus, Outcome
from havuz_contract.snapshot.models import Breaker, Upstream
from havuz_contract.v1alpha1.conditions import Condition, resolved, unresolved
from havuz_contract.v1alpha1.shared import SecretKeyRef, seconds
from havuz_contract.v1alpha1.upstreamkey import UpstreamKey

_PEM = "-----BEGIN CERTIFICATE-----"


def build(key: UpstreamKey, secrets: Secrets) -> Outcome[Upstream]:
    """The upstream of an UpstreamKey and its status. It is out of the pool while refused, unresolved or suspended."""
    verdict = examine(checks.UPSTREAM_KEY, key)
    credential = _credential(key, secrets)
    ca_bundle = _ca_bundle(key, secrets)
    mocked = isinstance(credential, Missing) and _mocks(key, credential)
    resolution = _resolution(key, credential, ca_bundle, mocked=mocked)
    usable = verdict.status == "True" and resolution.status == "True"
    part = None
    if usable and not key.spec.suspended:
        plain = "" if isinstance(credential, Missing) else credential
        authorities = None if isinstance(ca_bundle, Missing) else ca_bundle
        part = _upstream(key, credential=plain, ca_bundle=authorities, mocked=mocked)
    return Outcome(
        part,
        ObjectStatus(
            uid=key.uid,
            conditions=(verdict, resolution),
            served=part is not None,
            settled=usable and key.spec.suspended,
        ),
    )


def secret_inputs(key: UpstreamKey, secrets: Secrets) -> tuple[object, ...]:
    """All that `build` reads from the secrets, to tell whether its result would be another."""
    refs = [key.spec.secret_ref, key.spec.ca_bundle.secret_ref if key.spec.ca_bundle else None]
    entries = (secrets.get((key.metadata.namespace, ref.name)) if ref else None for ref in refs)
    return tuple(
        (ref and ref.key, found and found.get(ref.key) if ref else None)
        for ref, found in zip(refs, entries, strict=True)
    )


def _credential(key: UpstreamKey, secrets: Secrets) -> str | Missing:
    ref = key.spec.secret_ref
    return credentials.find_token(secrets, key.metadata.namespace, ref) if ref else ""


def _ca_bundle(key: UpstreamKey, secrets: Secrets) -> str | Missing | None:
    if key.spec.ca_bundle is None:
        return None
    ref: SecretKeyRef = key.spec.ca_bundle.secret_ref
    found = credentials.find(secrets, key.metadata.namespace, ref)
    if isinstance(found, Missing) or _PEM in found:
        return found
    return Missing("InvalidSecret", f"entry {ref.key!r} of Secret {ref.name!r} is no PEM certificate; put one there")


def _mocks(key: UpstreamKey, credential: Missing) -> bool:
    return key.spec.without_secret == "Mock" and credential.reason == "SecretNotFound"  # noqa: S105 (a choice)


def _resolution(
    key: UpstreamKey, credential: str | Missing, ca_bundle: str | Missing | None, *, mocked: bool
) -> Condition:
    if mocked and isinstance(credential, Missing):
        sentence = f"{credential.sentence}. Until then this key answers from the mock provider."
        return resolved(sentence, "MockWithoutSecret")
    missing = [found for found in (credential, ca_bundle) if isinstance(found, Missing)]
    if missing:
        return unresolved(missing[0].reason, [found.sentence for found in missing])
    if key.spec.suspended:
        return resolved("The key is complete; it is out of the pool because spec.suspended is true.")
    return resolved("Everything this key refers to was found.")


def _upstream(key: UpstreamKey, *, credential: str, ca_bundle: str | None, mocked: bool) -> Upstream:
    spec = key.spec
    return Upstream(
        uid=key.uid,
        name=f"{key.metadata.namespace}/{key.metadata.name}",
        provider="mock" if mocked else spec.provider,
        base_url="" if mocked else (spec.base_url or "").rstrip("/"),
        credential=credential,
        models=spec.models,
        weight=spec.weight,
        priority=spec.priority,
        breaker=Breaker(
            failures=spec.breaker.failures,
            window=seconds(spec.breaker.window),
            open_for=seconds(spec.breaker.open_for),
        ),
        probe_interval=seconds(spec.probe.interval),
        headers={} if mocked else dict(spec.headers or {}),
        ca_bundle=None if mocked else ca_bundle,
        limits=billing.limits(spec.limits),
    )
