"""Pictures between wire languages: what is asked for, and what came."""

from dataclasses import field
from typing import Any

from havuz_gateway.protocols.usage import Usage
from havuz_gateway.values import frozen


@frozen
class Picture:
    """A picture as base64. `media_type` is None where nobody said it."""

    data: str = field(repr=False)
    media_type: str | None = None


@frozen
class ImageRequest:
    """What is to be drawn, or changed where there are `pictures`. `size` is width and height in pixels.

    `hints` are the client's other fields by the names it gave them; the names of those that a provider can't be told
    are reported. What nobody may leave out is refused.
    """

    model: str
    prompt: str
    count: int = 1
    size: tuple[int, int] | None = None
    pictures: tuple[Picture, ...] = ()
    mask: Picture | None = None
    hints: dict[str, Any] = field(default_factory=dict)


@frozen
class ImageAnswer:
    """What was drawn. `usage` has tokens only where the provider counts any, and the number of pictures always."""

    pictures: tuple[Picture, ...]
    usage: Usage
    id: str | None = None
    model: str | None = None
    size: tuple[int, int] | None = None
