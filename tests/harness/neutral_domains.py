"""What each protocol can say without help."""

from harness.neutral_values import Domain, anthropic_requests, anthropic_responses, openai_requests, openai_responses
from harness.neutral_values_gemini import gemini_requests, gemini_responses
from harness.neutral_values_responses import responses_requests, responses_responses

DOMAINS = {
    "openai_chat": Domain(openai_responses(), openai_requests()),
    "openai_responses": Domain(responses_responses(), responses_requests()),
    "anthropic": Domain(anthropic_responses(), anthropic_requests()),
    "gemini": Domain(gemini_responses(), gemini_requests()),
}
