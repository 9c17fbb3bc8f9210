"""The figures of the pages: money, use and models, as they are in Redis and in the configuration."""

import csv
import io

from harness.builders import make_project
from harness.gateway import GatewayProcess
from harness.showcase import give_history, make_models, make_shop
from harness.visitor import Visitor, visiting
from harness.world import World
from havuz_contract.accounts import apply_credits
from havuz_contract.money import NANOS_PER_UNIT, format_amount
from havuz_contract.snapshot.models import Billing, Limits, Monthly


async def test_money_is_shown_and_a_credit_that_arrives_too(world: World, gateway: GatewayProcess) -> None:
    billing = Billing(plan="Prepaid", credits={"one": 1_234_560_000_000})
    customer = make_project(billing=billing)
    await world.apply(customer)
    await apply_credits(world.redis, [customer.project], now=1.0)
    async with visiting(gateway.base_url, customer.live) as visitor:
        assert ">$1,234.56<" in await _page(visitor, "/dashboard")
        assert ">$1.234,56<" in await _page(visitor, "/dashboard", **{"accept-language": "de, tr;q=0.9, en;q=0.1"})
        more = customer.project.model_copy(
            update={"billing": billing.model_copy(update={"credits": {**billing.credits, "two": NANOS_PER_UNIT}})}
        )
        await apply_credits(world.redis, [more], now=2.0)
        told = (await visitor.get("/dashboard/balance")).json
        assert (told["balance"], told["shown"]["available"]) == ("1235.56", "$1,235.56")


async def test_a_month_is_shown_in_its_own_time_zone(world: World, gateway: GatewayProcess) -> None:
    monthly = Monthly(allowance=100 * NANOS_PER_UNIT, anchor_day=1, time_zone="Europe/Istanbul")
    customer = make_project(billing=Billing(plan="Monthly", monthly=monthly, unit="credits"))
    await world.apply(customer)
    async with visiting(gateway.base_url, customer.live) as visitor:
        page = await _page(visitor, "/dashboard")
        assert "100 credits" in page
        assert "00:00 Europe/Istanbul" in page


async def test_text_and_pictures_are_counted_apart_in_the_tables_and_in_the_file(
    world: World, gateway: GatewayProcess
) -> None:
    shop = make_shop(name="default/shop-of-usage")
    await world.apply(*make_models(), shop)
    await give_history(world, shop.project, days=3)
    async with visiting(gateway.base_url, shop.live) as visitor:
        text = await _page(visitor, "/dashboard/usage?by=model")
        assert "gpt-4o-mini" in text
        assert "gpt-image-1.5" not in text
        assert text.count("<rect") == 3
        pictures = await _page(visitor, "/dashboard/usage?by=model&kind=images")
        assert "gpt-image-1.5" in pictures
        assert "gpt-4o-mini" not in pictures
        assert "nightly" in await _page(visitor, "/dashboard/usage?by=key")
        file = await visitor.get("/dashboard/usage.csv")
        assert file.headers["content-disposition"].startswith('attachment; filename="usage-')
        rows = list(csv.DictReader(io.StringIO(file.body.decode("utf-8-sig"))))
        nanos = sum(round(float(row["cost"]) * NANOS_PER_UNIT) for row in rows)
        spent = int(await world.redis.hget(f"havuz:{{p:{shop.project.uid}}}:account", "spent") or 0)
        assert format_amount(nanos) == format_amount(spent)
        wrong = await visitor.get("/dashboard/usage?from=2026-02-30")
        assert (wrong.status, 'role="alert"' in wrong.body.decode()) == (400, True)


async def test_models_have_the_prices_of_the_project_s_unit_and_only_what_it_may_use(
    world: World, gateway: GatewayProcess
) -> None:
    shop = make_shop(name="default/shop-of-models", deny=("claude-*",), limits=Limits(requests_per_minute=1_234))
    await world.apply(*make_models(), shop)
    async with visiting(gateway.base_url, shop.live) as visitor:
        page = await _page(visitor, "/dashboard/models")
        assert all(said in page for said in ("gemini-2.0-flash", "$0.40", "1,048,576", "$0.0015"))
        assert "claude" not in page
        assert "1,234" in await _page(visitor, "/dashboard/account")


async def test_who_pays_nothing_sees_requests_and_no_balance(world: World, gateway: GatewayProcess) -> None:
    shop = make_shop(name="default/shop-without-bills", billing=Billing(plan="Unmetered"))
    await world.apply(*make_models(), shop)
    await give_history(world, shop.project, days=2)
    async with visiting(gateway.base_url, shop.live) as visitor:
        page = await _page(visitor, "/dashboard")
        assert "Requests in the last 30 days" in page
        assert "data-live" not in page


async def test_a_page_that_fails_unforeseen_says_so_in_the_site_s_look(world: World, gateway: GatewayProcess) -> None:
    customer = make_project(billing=Billing(plan="Prepaid", credits={"one": NANOS_PER_UNIT}))
    await world.apply(customer)
    await apply_credits(world.redis, [customer.project], now=1.0)
    async with visiting(gateway.base_url, customer.live) as visitor:
        account = f"havuz:{{p:{customer.project.uid}}}:account"
        await world.redis.hset(account, "balance", "no number")
        reply = await visitor.get("/dashboard")
        page = reply.body.decode()
        assert (reply.status, 'class="brand"' in page, "Something failed here" in page) == (500, True, True)
        assert reply.headers["x-request-id"] in page
        data = await visitor.get("/dashboard/balance")
        assert (data.status, data.json["error"].startswith("The page could not be made")) == (500, True)


async def _page(visitor: Visitor, path: str, **headers: str) -> str:
    reply = await visitor.get(path, **headers)
    assert reply.status == 200, reply.body.decode()
    return reply.body.decode()
