"""The provider of a simulation: each key is well, dead in one way, or has room for so many requests a second."""

import math
from collections import Counter

from havuz_gateway.pool import classify
from havuz_gateway.pool.verdict import Verdict
from havuz_gateway.protocols.errors import ProviderError

ANSWER_SECONDS = 0.5  # the mean of a whole answer
REFUSAL_SECONDS = 0.05
DEATHS = {
    "refused": classify.classify_response(
        401, {}, ProviderError("Incorrect API key provided", type="invalid_request_error", code="invalid_api_key"), 0
    ),
    "failing": classify.classify_response(500, {}, ProviderError("The server had an error", type="server_error"), 0),
}
_LIMITED = ProviderError("Rate limit reached for requests", type="requests", code="rate_limit_exceeded")


class Keys:
    """What each key does, by uid. `limits` are requests a second, with a burst of one second."""

    def __init__(self) -> None:
        self.dead: dict[str, str] = {}
        self.limits: dict[str, float] = {}
        self.asked: dict[int, Counter[str]] = {}  # by second
        self.served: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()  # for their rate
        self._arrivals: dict[str, float] = {}

    def ask(self, uid: str, now: float) -> Verdict | None:
        """A request arrives: its verdict, None when it is served."""
        self.asked.setdefault(int(now), Counter())[uid] += 1
        if uid in self.dead:
            return DEATHS[self.dead[uid]]
        limit = self.limits.get(uid)
        if limit is None:
            return None
        arrival = max(self._arrivals.get(uid, now), now) + 1 / limit
        wait = arrival - now - 1.0
        if wait > 0:
            self.refused[uid] += 1
            return classify.classify_response(429, {"retry-after": str(math.ceil(wait))}, _LIMITED, 0)
        self._arrivals[uid] = arrival
        self.served[uid] += 1
        return None
