"""Every surface of the gateway."""

from havuz_gateway.surfaces.account import ACCOUNT
from havuz_gateway.surfaces.anthropic.surface import ANTHROPIC
from havuz_gateway.surfaces.files import FILES
from havuz_gateway.surfaces.gemini.surface import GEMINI
from havuz_gateway.surfaces.image_tasks import IMAGE_TASKS
from havuz_gateway.surfaces.mini import MINI
from havuz_gateway.surfaces.mini_images import MINI_IMAGES
from havuz_gateway.surfaces.openai.surface import OPENAI, RESPONSES
from havuz_gateway.surfaces.openapi.surface import openapi_surface
from havuz_gateway.surfaces.pages.answers import Desk
from havuz_gateway.surfaces.pages.surface import pages_surface
from havuz_gateway.surfaces.registry import Registry


def every_surface(desk: Desk | None = None) -> Registry:
    """The registry of the public port; paths that no surface has answer in OpenAI's shape unless asked otherwise.

    `desk` is what the pages need; without one there are none.
    """
    pages = () if desk is None else (pages_surface(desk),)
    return Registry(
        (
            OPENAI,
            RESPONSES,
            MINI,
            MINI_IMAGES,
            IMAGE_TASKS,
            ACCOUNT,
            FILES,
            openapi_surface(),
            ANTHROPIC,
            GEMINI,
            *pages,
        ),
        default=OPENAI,
    )
