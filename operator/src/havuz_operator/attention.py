"""Which objects' statuses are to be looked at: a change concerns few of 10,000, and only those are worked out again."""

import asyncio
from collections.abc import Iterable, Mapping

from havuz_contract.v1alpha1.meta import ObjectRef
from havuz_operator.world import Stored

_POOLED = ("UpstreamKey", "ModelRoute")


class Attention:
    """Collects what is called for until it is taken; `wanted` is set while there is something. At first, all is due.

    What is `unfinished` is taken every time, until it is finished.
    """

    def __init__(self) -> None:
        self.wanted = asyncio.Event()
        self.unfinished: set[ObjectRef] = set()
        self._everything = True
        self._pools = False
        self._refs: set[ObjectRef] = set()

    def call(self, refs: Iterable[ObjectRef] | None) -> None:
        """These may have another status now; None: any may."""
        if refs is None:
            self._everything = True
        else:
            self._refs.update(refs)
        self.wanted.set()

    def call_pools(self) -> None:
        """Health has changed: every key and every route may have another status."""
        self._pools = True
        self.wanted.set()

    def take(self, objects: Mapping[ObjectRef, Stored]) -> tuple[list[tuple[ObjectRef, Stored]], bool]:
        """What is due of `objects`, and whether that is all of them."""
        everything, refs = self._everything, self._refs | self.unfinished
        pools = self._pools or any(ref.kind == "UpstreamKey" for ref in refs)  # a key's health is its routes' too
        self._everything, self._pools, self._refs = False, False, set()
        self.wanted.clear()
        if everything:
            self.unfinished &= objects.keys()
            return list(objects.items()), True
        if pools:
            refs.update(ref for ref in objects if ref.kind in _POOLED)
        self.unfinished -= refs - objects.keys()
        return [(ref, objects[ref]) for ref in refs if ref in objects], False
