"""Azure OpenAI, by its v1 API: https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle.

The base URL is the resource's endpoint (`https://NAME.openai.azure.com`); a target's model is the name of a deployment.
"""

from havuz_contract.snapshot.models import Upstream
from havuz_gateway.protocols.codec import Quirks
from havuz_gateway.providers.openai import OpenAI

_PATH = "/openai/v1"


class AzureOpenAI(OpenAI):
    """OpenAI's wire form at a resource of the customer's own, with the key in a header of its own."""

    name = "azure-openai"
    telemetry_name = "azure.ai.openai"
    credential_header = ("api-key", "")
    default_base_url = ""

    def base_url(self, upstream: Upstream) -> str:
        """The endpoint with the API's path, whether or not the upstream's base URL names it already."""
        base = super().base_url(upstream)
        return base if base.endswith(_PATH) else base + _PATH

    def quirks(self, model: str) -> Quirks:
        """A deployment's name says nothing of its model: what OpenAI's models have in common."""
        return Quirks(replay_thinking=False, top_k=False, web_search=False)
