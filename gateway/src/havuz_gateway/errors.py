"""The errors a client sees. A surface renders them; nothing here knows what an answer looks like.

Types, statuses and codes follow OpenAI's error object; the table is the one clients are promised:
400 invalid_request_error, 401 authentication_error, 402 insufficient_balance or price_missing, 403 permission_error,
404 not_found_error, 410 not_found_error for what has expired, 429 rate_limit_error, 500 api_error,
503 service_unavailable, and 504 timeout_error for a deadline that passed.
"""

from collections.abc import Mapping


class GatewayError(Exception):
    """An end of a request that the client is told about.

    `code` is None for errors havuz makes (surfaces then show the HTTP status) and the provider's own code otherwise.
    `retry_after` is in seconds. `headers` are added to the answer.
    """

    status = 500
    type = "api_error"

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str | int | None = None,
        retry_after: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.code = code
        self.retry_after = retry_after
        self.headers = dict(headers or {})


class InvalidRequest(GatewayError):
    """The request is malformed; `param` names the field."""

    status = 400
    type = "invalid_request_error"


class PayloadTooLarge(InvalidRequest):
    """The body is over the limit."""

    status = 413


class MethodNotAllowed(InvalidRequest):
    """The path exists, the method does not."""

    status = 405


class Conflict(InvalidRequest):
    """The object is not in a state in which this can be done to it."""

    status = 409


class Unauthenticated(GatewayError):
    """No key, an unknown key, or an expired one."""

    status = 401
    type = "authentication_error"


class InsufficientBalance(GatewayError):
    """The balance does not cover the most that the request can cost. Retrying would change nothing until a top-up."""

    status = 402
    type = "insufficient_balance"

    def __init__(self, message: str) -> None:
        super().__init__(message, headers={"x-should-retry": "false"})


class PriceMissing(GatewayError):
    """The model has no price in the project's unit, so that its use could not be billed."""

    status = 402
    type = "price_missing"

    def __init__(self, message: str) -> None:
        super().__init__(message, param="model", headers={"x-should-retry": "false"})


class PermissionDenied(GatewayError):
    """The key is good but may not do this."""

    status = 403
    type = "permission_error"


class NotFound(GatewayError):
    """No such path, model or object."""

    status = 404
    type = "not_found_error"


class Gone(GatewayError):
    """It was there and will not be again."""

    status = 410
    type = "not_found_error"


class RateLimited(GatewayError):
    """Nothing but rate limits stands in the way."""

    status = 429
    type = "rate_limit_error"


class ServiceUnavailable(GatewayError):
    """Nothing can serve this request now."""

    status = 503
    type = "service_unavailable"


class DeadlineExceeded(GatewayError):
    """The request's own deadline passed. Retrying would only spend it again, so clients are told not to."""

    status = 504
    type = "timeout_error"

    def __init__(self, message: str) -> None:
        super().__init__(message, headers={"x-should-retry": "false"})


class StreamBroken(GatewayError):
    """The provider's stream ended before its end, after content had been sent: told by an error event."""

    status = 502


class ProviderEndedStream(GatewayError):
    """The provider ended its stream with an error event, which the client has been sent already."""

    status = 502


class UpstreamRefused(GatewayError):
    """The provider refused this very request (a 4xx that no other key would change): its words, its status.

    `body` is the provider's own answer where it is already in the client's protocol, to be relayed as it is.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        error_type: str | None = None,
        code: str | int | None = None,
        param: str | None = None,
        body: bytes | None = None,
    ) -> None:
        super().__init__(message, code=code, param=param)
        self.status = status
        self.type = error_type or "invalid_request_error"
        self.body = body
