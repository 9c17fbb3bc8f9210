"""Any server that speaks OpenAI's protocol: vLLM, llama.cpp, Ollama, DeepSeek, Groq, the OpenAI endpoints of others."""

from collections.abc import Mapping

from havuz_gateway.protocols.codec import Quirks
from havuz_gateway.providers.openai import OpenAI
from havuz_gateway.providers.quirks import COMPATIBLE

_PROTOCOLS: Mapping[str, tuple[str, ...]] = {
    "chat": ("openai_chat",),
    "embeddings": ("openai_chat",),
    "image": ("openai_images",),
    "image_edit": ("openai_images",),
    "speech": ("openai_audio",),
    "transcription": ("openai_audio",),
}


class OpenAICompatible(OpenAI):
    """OpenAI's wire form under another base URL, which an UpstreamKey of this provider must name."""

    name = "openai-compatible"
    protocols = _PROTOCOLS  # few of them speak Responses, and not all of it
    default_base_url = ""
    telemetry_name = "openai"  # the conventions name the API's format where the vendor is not known

    def quirks(self, model: str) -> Quirks:
        """What servers of nearly the same protocol have in common."""
        return COMPATIBLE
