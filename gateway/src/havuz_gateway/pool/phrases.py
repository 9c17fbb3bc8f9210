"""The words by which providers tell what is wrong, where the HTTP status alone does not.

Sources: the error pages of OpenAI, Azure, Anthropic, Google, Mistral, Groq, DeepSeek and OpenRouter, and the sources of
vLLM and llama.cpp. A new provider's words are added here and nowhere else.
"""

import re

CONTEXT_CODES = frozenset({"context_length_exceeded", "string_above_max_length", "exceed_context_size_error"})
# These sentences quote numbers, never the prompt, so they may stand anywhere in the message.
CONTEXT_WORDS = re.compile(
    r"maximum context length is \d+|prompt is too long: \d+|input token count .{0,40}exceeds the maximum"
    r"|exceeds? the (?:model's )?(?:maximum |available )?context (?:length|size|window)"
    r"|too large for model with \d+ maximum context length|input length and `max_tokens` exceed context limit"
    r"|max_tokens must be at least 1, got -\d+|longer than the maximum model length of \d+"
    r"|Context size has been exceeded",
    re.IGNORECASE,
)

QUOTA_CODES = frozenset(
    {"insufficient_quota", "quota_exceeded", "insufficient_balance", "insufficient_user_quota", "access_terminated"}
)
QUOTA_WORDS = re.compile(
    r"You exceeded your current quota, please check your plan and billing|Your credit balance is too low"
    r"|Insufficient (?:Balance|credits)|Billing hard limit has been reached|This request requires more credits"
    r"|Your account is not active, please check your billing|You have reached your specified API usage limits"
    r"|Prompt tokens limit exceeded: ",
    re.IGNORECASE,
)

MISSING_CODES = frozenset(
    {"model_not_found", "invalid_model", "model_not_available", "model_decommissioned", "DeploymentNotFound"}
)
MISSING_WORDS = re.compile(
    r"Model Not Exist|Invalid model: |The model `[^`]{1,200}` (?:does not exist|has been )"
    r"|Project `[^`]{1,200}` does not have access to model|\S{1,200} is not a valid model ID$",
    re.IGNORECASE,
)
# A 404 that is about something the client named in its request, not about the model.
OTHER_OBJECT_WORDS = re.compile(
    r"(?:No such |The requested |Previous |Could not find )?"
    r"(?:files?|image|container|conversation|response|vector store|prompt|batch)\b.{0,120}\bnot (?:be )?found"
    r"|No such (?:file|container|conversation|vector store|prompt|batch)",
    re.IGNORECASE,
)

# Told with status 400: Google of a key (its status word is checked as well) and of where the caller is, Anthropic of an
# account. None of it is a client's fault.
KEY_WORDS = re.compile(r"API key (?:not valid|expired|not found)", re.IGNORECASE)
REFUSED_WORDS = re.compile(
    r"User location is not supported for the API use|This organization has been disabled\.$", re.IGNORECASE
)

POLICY_CODES = frozenset({"content_policy_violation", "content_filter", "moderation_blocked", "invalid_prompt"})
POLICY_WORDS = re.compile(
    r"(?:Your |The )?(?:request|input|prompt|content)\b.{0,60}\b(?:flagged|blocked|rejected|violates)"
    r"|.{1,80} requires moderation on ",
    re.IGNORECASE,
)

# Cloudflare, where a client asks for no HTML.
# https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-1xxx-errors/
EDGE_WORDS = re.compile(r"error code: 10\d\d$", re.IGNORECASE)

# What is said of one request and does not hold for the next one on the same key: it is more than the whole allowance or
# than what is left of the credit (unless next to nothing is), or nobody there does what it asks for.
THIS_REQUEST_WORDS = re.compile(
    r"Request too large for |(?:Extra usage is|Usage credits are) required for long context requests"
    r"|Requests to the .{1,200} have exceeded token rate limit .{1,200} retry after 86400 seconds"
    r"|This request requires more credits, or fewer max_tokens\. You requested up to \d+ tokens, "
    r"but can only afford \d{4,}|Prompt tokens limit exceeded: \d+ > \d{4,}|No endpoints found that support ",
    re.IGNORECASE,
)

# For errors told under status 200: the HTTP status that the same provider would give.
IN_BAND_STATUS = {
    "invalid_request_error": 400,
    "INVALID_ARGUMENT": 400,
    "BadRequestError": 400,
    "context_length_exceeded": 400,
    "content_policy_violation": 400,
    "content_filter": 400,
    "model_not_found": 404,
    "authentication_error": 401,
    "invalid_api_key": 401,
    "UNAUTHENTICATED": 401,
    "permission_error": 403,
    "permission_denied": 403,
    "PERMISSION_DENIED": 403,
    "not_found_error": 404,
    "NOT_FOUND": 404,
    "NotFoundError": 404,
    "request_too_large": 413,
    "insufficient_quota": 429,
    "quota_exceeded": 429,
    "billing_error": 402,
    "rate_limit_exceeded": 429,
    "rate_limit_error": 429,
    "RateLimitError": 429,
    "tokens": 429,
    "requests": 429,
    "RESOURCE_EXHAUSTED": 429,
    "timeout_error": 408,
    "DEADLINE_EXCEEDED": 504,
    "overloaded_error": 529,
    "UNAVAILABLE": 503,
    "service_unavailable": 503,
    "server_error": 500,
    "api_error": 500,
    "INTERNAL": 500,
}
