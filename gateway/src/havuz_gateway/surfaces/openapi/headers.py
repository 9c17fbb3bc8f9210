"""Headers of answers."""

from typing import Any

from havuz_gateway.surfaces.openapi.schema import Schema, choice, number, text, whole

_WORDS: dict[str, tuple[str, Schema]] = {
    "x-request-id": (
        "Names this request: tell it when you ask for help.",
        text(examples=["req_5f0c2a7d90b1e3846a2f7c15"]),
    ),
    "x-havuz-attempts": ("How many upstreams were asked.", whole(minimum=0)),
    "x-havuz-cost": (
        "What the answer cost, in the project's unit. Not on streams, whose cost is known after their headers.",
        text(pattern=r"^\d+(\.\d+)?$"),
    ),
    "x-havuz-dropped": ("Names of hints that the model's provider can't be told, separated by commas.", text()),
    "x-havuz-estimated": ("The count is an estimate, since no provider counted.", choice("true")),
    "x-havuz-stored": ("The response could not be stored, and can't be gone on from.", choice("false")),
    "x-ratelimit-limit-requests": ("The most requests in a minute.", whole()),
    "x-ratelimit-remaining-requests": ("Requests that are left of it.", whole()),
    "x-ratelimit-reset-requests": ("The time until all are there again, such as `1.5s` or `6m0s`.", text()),
    "x-ratelimit-limit-tokens": ("The most tokens in a minute.", whole()),
    "x-ratelimit-remaining-tokens": ("Tokens that are left of it.", whole()),
    "x-ratelimit-reset-tokens": ("The time until all are there again, such as `1.5s` or `6m0s`.", text()),
    "etag": ("Names the file, for `If-None-Match`.", text()),
    "accept-ranges": ("Parts of the file can be asked for.", choice("bytes")),
    "content-range": ("Which part of the file this is.", text()),
    "retry-after": ("Seconds to wait before the next try.", whole(minimum=1)),
    "retry-after-ms": ("The same in milliseconds.", number()),
    "x-should-retry": ("Sent where another try would change nothing.", choice("false")),
}
OF_FILES = ("etag", "accept-ranges")
ANSWERED = ("x-request-id",)
LIMITS = tuple(name for name in _WORDS if name.startswith("x-ratelimit-"))
PROXIED = (*ANSWERED, "x-havuz-attempts", "x-havuz-cost", "x-havuz-dropped", *LIMITS)


def referred(*names: str) -> dict[str, Any]:
    """The headers of one answer, as references to those of the document."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


HEADERS: dict[str, Any] = {name: {"description": words, "schema": schema} for name, (words, schema) in _WORDS.items()}
