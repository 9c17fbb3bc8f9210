"""A customer with a history, as the pages show one: weeks of use, a plan, models with prices."""

import math
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from harness.builders import Customer, make_project, make_project_key, make_route, make_target, make_upstream
from harness.world import World
from havuz_contract import keys
from havuz_contract.accounts import apply_credits
from havuz_contract.money import NANOS_PER_UNIT, parse_amount
from havuz_contract.snapshot.models import Billing, Limits, Price, Project, Route

_DAY_SECONDS = 86_400
_KEPT_SECONDS = 400 * _DAY_SECONDS
_MODELS = (
    # id, owner, operations, context window, input, output, per image
    ("gemini-2.0-flash", "google ai studio", {"chat"}, 1_048_576, "0.10", "0.40", None),
    ("gpt-4o-mini", "openai", {"chat"}, 128_000, "0.15", "0.60", None),
    ("claude-sonnet-4-5", "anthropic", {"chat"}, 200_000, "3", "15", None),
    ("text-embedding-3-small", "openai", {"embeddings"}, 8_191, "0.02", None, None),
    ("gpt-image-1.5", "openai", {"image"}, None, None, None, "0.0015"),
)


def make_models() -> list[Any]:
    """One mock upstream, and routes over it that are named and priced as in a catalogue."""
    upstream = make_upstream()
    routes: list[Route] = []
    for model, owner, operations, window, given, answered, picture in _MODELS:
        price = Price(
            unit="USD",
            input=parse_amount(given) if given else None,
            output=parse_amount(answered) if answered else None,
            per_image=parse_amount(picture) if picture else None,
        )
        target = make_target(upstream, model=model, context_window=window)
        named = {"name": f"catalogue-{model}", "model": model, "owned_by": owner, "prices": (price,)}
        routes.append(make_route(target, **named, operations=frozenset(operations), created=1_760_000_000))
    return [upstream, *routes]


def make_shop(**fields: Any) -> Customer:
    """A prepaid customer with three keys."""
    now = time.time()
    live = "pk_live_9f2c61d07be84a55a1c3e7d2b4f60a18"
    test = "pk_test_31b7c0de55aa4f0e9c1d2a3b4c5d6e7f"
    own = (
        make_project_key(live, created_at=now - 41 * _DAY_SECONDS),
        make_project_key(
            "pk_live_batch_jobs_77aa", name="nightly", origin="SelfMade", created_at=now - 12 * _DAY_SECONDS
        ),
        make_project_key(test, name="test", mode="Test", created_at=now - 41 * _DAY_SECONDS),
    )
    defaults = {
        "display_name": "Shop",
        "most_self_made": 3,
        "keys": own,
        "billing": Billing(unit="USD", plan="Prepaid", credits={"welcome": 50 * NANOS_PER_UNIT}),
        "limits": Limits(requests_per_minute=600, tokens_per_minute=1_000_000, concurrency=20),
    }
    made = make_project(**(defaults | fields))
    return Customer(made.project, live, test)


async def give_history(world: World, project: Project, *, days: int = 45) -> None:
    """Credits, and use on every day so far, more on working days; the account agrees with it."""
    await apply_credits(world.redis, [project], now=time.time())
    today = datetime.now(UTC)
    spent = 0
    for back in range(days):
        day = today - timedelta(days=back)
        spent += await _give_day(world, project, day, busy=2.2 + math.sin(back / 3) - (day.weekday() > 4) * 1.1)
    fields = {"balance": -spent, "spent": spent}
    for name, nanos in fields.items():
        await world.redis.hincrby(keys.account(project.uid), name, nanos)
    await world.redis.hset(keys.account(project.uid), "updated", str(int(time.time() * 1000)))


async def _give_day(world: World, project: Project, day: datetime, *, busy: float) -> int:
    """One day's roll-up, in the day and in its hour at noon; returns what it cost."""
    rows: dict[str, str] = {}
    cost = 0
    for place, key in enumerate(key for key in project.keys if key.mode == "Live"):
        for rank, (model, _, operations, _, given, answered, _) in enumerate(_MODELS):
            requests = int(busy * 120 / (1 + rank) / (1 + 3 * place))
            read, wrote = requests * 640, requests * 210
            pictures = requests // 3 if "image" in operations else 0
            nanos = (read * parse_amount(given or "0") + wrote * parse_amount(answered or "0")) // 1_000_000
            nanos += pictures * parse_amount("0.0015")
            tokens = (0, 0, 0, 0) if pictures else (read, wrote if answered else 0, read // 5, 0)
            counts = (requests, requests // 40, *tokens, nanos, pictures, 0, 0)
            rows[f"{key.id}|{model}|uid-upstream"] = ",".join(map(str, counts))
            cost += nanos
    for name in (keys.used_in_day(project.uid, f"{day:%Y%m%d}"), keys.used_in_hour(project.uid, f"{day:%Y%m%d}12")):
        await world.redis.hset(name, mapping=rows)
        await world.redis.expire(name, _KEPT_SECONDS)
    return cost
