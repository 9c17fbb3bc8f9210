"""Every provider by the name an UpstreamKey gives it."""

from havuz_gateway.providers.anthropic import Anthropic
from havuz_gateway.providers.azure_openai import AzureOpenAI
from havuz_gateway.providers.base import Provider
from havuz_gateway.providers.gemini import Gemini
from havuz_gateway.providers.mock import Mock
from havuz_gateway.providers.openai import OpenAI
from havuz_gateway.providers.openai_compatible import OpenAICompatible
from havuz_gateway.providers.stable_diffusion import StableDiffusion

PROVIDERS: dict[str, Provider] = {
    provider.name: provider
    for provider in (
        OpenAI(),
        AzureOpenAI(),
        Anthropic(),
        Gemini(),
        OpenAICompatible(),
        StableDiffusion(),
        Mock(),
    )
}


def provider_for(name: str) -> Provider:
    """The provider of that name. Raises `KeyError` for one this version does not have."""
    return PROVIDERS[name]
