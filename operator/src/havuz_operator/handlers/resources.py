"""Watches: every change of what havuz cares about goes into the world."""

from typing import Any

import kopf

from havuz_contract.v1alpha1.meta import GROUP, VERSION
from havuz_contract.v1alpha1.registry import KINDS
from havuz_operator.world import World


def watch(registry: kopf.OperatorRegistry, world: World) -> None:
    """Register the watches of the three kinds, Secrets and Namespaces.

    They are watches only: kopf puts no finalizer and no annotation on anything.
    """

    async def take_in(event: Any, **_: Any) -> None:
        if event["type"] == "DELETED":
            world.drop(event["object"])
        else:
            world.put(event["object"])

    for kind in KINDS.values():
        kopf.on.event(GROUP, VERSION, kind.plural, registry=registry)(take_in)
    for plural in ("secrets", "namespaces"):
        kopf.on.event("", "v1", plural, registry=registry)(take_in)
