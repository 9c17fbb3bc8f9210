"""Any server that speaks OpenAI's protocol: vLLM, llama.cpp, Ollama, DeepSeek, Groq, the OpenAI endpoints of others."""

from havuz_gateway.providers.openai import OpenAI


class OpenAICompatible(OpenAI):
    """OpenAI's wire form under another base URL, which an UpstreamKey of this provider must name."""

    name = "openai-compatible"
    default_base_url = ""
    output_bound_field = "max_tokens"  # older servers know no other
    telemetry_name = "openai"  # the conventions name the API's format where the vendor is not known
