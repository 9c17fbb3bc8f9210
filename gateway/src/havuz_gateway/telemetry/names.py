"""The one table of attribute and metric names.

GenAI names follow the published conventions (https://opentelemetry.io/docs/specs/semconv/gen-ai/), HTTP names the
stable ones (https://opentelemetry.io/docs/specs/semconv/http/). The GenAI part is still being renamed upstream: it
changes here and nowhere else.
"""

SCOPE = "havuz_gateway"
HTTP_SCOPE = "havuz_gateway.transport"

# HTTP
HTTP_METHOD = "http.request.method"
HTTP_ROUTE = "http.route"
HTTP_STATUS = "http.response.status_code"
HTTP_RESEND_COUNT = "http.request.resend_count"
URL_PATH = "url.path"
URL_SCHEME = "url.scheme"
URL_FULL = "url.full"
PROTOCOL_VERSION = "network.protocol.version"
SERVER_ADDRESS = "server.address"
SERVER_PORT = "server.port"
ERROR_TYPE = "error.type"

# GenAI
OPERATION = "gen_ai.operation.name"
PROVIDER = "gen_ai.provider.name"
REQUEST_MODEL = "gen_ai.request.model"
REQUEST_STREAM = "gen_ai.request.stream"
RESPONSE_ID = "gen_ai.response.id"
RESPONSE_MODEL = "gen_ai.response.model"
FINISH_REASONS = "gen_ai.response.finish_reasons"
TIME_TO_FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"
OUTPUT_TYPE = "gen_ai.output.type"
TOKEN_TYPE = "gen_ai.token.type"  # noqa: S105 - a label's name
USAGE_INPUT = "gen_ai.usage.input_tokens"
USAGE_OUTPUT = "gen_ai.usage.output_tokens"
USAGE_CACHE_READ = "gen_ai.usage.cache_read.input_tokens"
USAGE_CACHE_WRITE = "gen_ai.usage.cache_write.input_tokens"
USAGE_REASONING = "gen_ai.usage.reasoning.output_tokens"

# A body's field → its attribute. Numbers only; words have a table of their own, and free text has none.
REQUEST_NUMBERS = {
    "max_tokens": "gen_ai.request.max_tokens",
    "max_completion_tokens": "gen_ai.request.max_tokens",
    "temperature": "gen_ai.request.temperature",
    "top_p": "gen_ai.request.top_p",
    "top_k": "gen_ai.request.top_k",
    "frequency_penalty": "gen_ai.request.frequency_penalty",
    "presence_penalty": "gen_ai.request.presence_penalty",
    "seed": "gen_ai.request.seed",
    "n": "gen_ai.request.choice.count",
    "dimensions": "gen_ai.embeddings.dimension.count",
}
REQUEST_WORDS = {
    "reasoning_effort": (
        "gen_ai.request.reasoning.level",
        frozenset({"none", "minimal", "low", "medium", "high", "xhigh"}),
    ),
    "service_tier": ("openai.request.service_tier", frozenset({"auto", "default", "flex", "priority", "scale"})),
}
OUTPUT_OF_ACTION = {"image": "image", "image_edit": "image", "speech": "speech", "transcription": "text"}
OUTPUT_TYPES = {"text": "text", "json_object": "json", "json_schema": "json"}

# havuz
UPSTREAM_KEY = "havuz.upstream_key"
UPSTREAM_MODEL = "havuz.upstream_model"
ATTEMPT = "havuz.attempt"
VERDICT = "havuz.verdict"
COMMITTED = "havuz.committed"
KEY_STATE = "havuz.upstream_key.state"
PROJECT = "havuz.project"
UNIT = "havuz.unit"

# Metrics: (name, unit)
TOKEN_USAGE = ("gen_ai.client.token.usage", "{token}")
OPERATION_DURATION = ("gen_ai.client.operation.duration", "s")
OPERATION_FIRST_CHUNK = ("gen_ai.client.operation.time_to_first_chunk", "s")
TIME_PER_OUTPUT_TOKEN = ("gen_ai.server.time_per_output_token", "s")
REQUESTS = ("havuz.requests", "{request}")
ATTEMPTS = ("havuz.attempts", "{attempt}")
KEY_STATES = ("havuz.upstream_key.status", "1")
POOL_USABLE = ("havuz.pool.usable", "1")
CONFIG_REVISION = ("havuz.config.revision", "{revision}")
CONFIG_AGE = ("havuz.config.age", "s")
PROJECT_BALANCE = ("havuz.project.balance", "{unit}")
PROJECT_RESERVED = ("havuz.project.reserved", "{unit}")
PROJECT_SPENT = ("havuz.project.spent", "{unit}")
METER_UP = ("havuz.meter.up", "1")
METER_IN_FLIGHT = ("havuz.meter.in_flight", "{settle}")
METER_JOURNAL = ("havuz.meter.journal", "By")
METER_LOST = ("havuz.meter.lost", "{settle}")
TASKS_OPEN = ("havuz.tasks.open", "{task}")
TASKS_WAITING = ("havuz.tasks.waiting", "{task}")
TASKS_OLDEST = ("havuz.tasks.oldest_waiting", "s")
CALLBACKS_OPEN = ("havuz.callbacks.open", "{callback}")
CALLBACKS_LATE = ("havuz.callbacks.late", "s")
CALLBACKS_FAILED = ("havuz.callbacks.failed", "{callback}")
IN_FLIGHT = ("havuz.requests.in_flight", "{request}")
SPANS_DROPPED = ("havuz.spans.dropped", "{span}")

# Bucket bounds, as the conventions give them
TOKEN_BOUNDS = tuple(float(4**power) for power in range(14))
SECOND_BOUNDS = tuple(0.01 * 2**power for power in range(14))
TOKEN_SECOND_BOUNDS = (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5)

# What error.type may say on a metric or span; anything else, a provider's own word included, is `_OTHER`.
ERROR_TYPES = frozenset(
    {
        "invalid_request_error",
        "authentication_error",
        "insufficient_balance",
        "price_missing",
        "permission_error",
        "not_found_error",
        "rate_limit_error",
        "api_error",
        "service_unavailable",
        "timeout_error",
        "insufficient_quota",
        "cancelled",
        # verdicts on an attempt
        "Connect",
        "Timeout",
        "RateLimited",
        "ServerError",
        "Rejected",
        "Exhausted",
        "ModelMissing",
        "ContextLength",
        "ClientError",
        "Broken",
    }
)
OTHER = "_OTHER"


def error_word(error_type: str | None) -> str | None:
    """`error_type` as a label may carry it: from the table, or `_OTHER`."""
    return error_type if error_type is None or error_type in ERROR_TYPES else OTHER
