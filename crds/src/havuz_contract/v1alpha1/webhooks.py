"""What a Project says of the callbacks that its customer is sent."""

from typing import Annotated

from pydantic import Field

from havuz_contract.v1alpha1.meta import KubeModel
from havuz_contract.v1alpha1.rules import ListSet


class Webhooks(KubeModel):
    """How callbacks are signed."""

    secret_versions: Annotated[
        tuple[Annotated[int, Field(ge=1, le=1_000_000)], ...], Field(min_length=1, max_length=4), ListSet()
    ] = (1,)
    """Versions of the secret that sign; the first one is the customer's. A rotation: `[2, 1]`, and later `[2]`."""
