"""A limit on silence: it ends what is silent, lets go on what is not, and leaves others' cancellations alone."""

import asyncio

import pytest

from havuz_gateway.pipeline.patience import Patience


async def test_silence_ends_in_a_timeout() -> None:
    with pytest.raises(TimeoutError):
        async with Patience(0.05):
            await asyncio.sleep(5)


async def test_what_renews_in_time_goes_on() -> None:
    async with Patience(0.1) as patience:
        for _ in range(5):
            await asyncio.sleep(0.04)
            patience.renew(0.1)


async def test_silence_after_a_renewal_ends_in_a_timeout() -> None:
    started = asyncio.get_running_loop().time()
    with pytest.raises(TimeoutError):
        async with Patience(0.05) as patience:
            await asyncio.sleep(0.03)
            patience.renew(0.2)
            await asyncio.sleep(5)
    assert 0.2 <= asyncio.get_running_loop().time() - started < 2


async def test_a_shorter_renewal_counts_at_once() -> None:
    started = asyncio.get_running_loop().time()
    with pytest.raises(TimeoutError):
        async with Patience(10) as patience:
            patience.renew(0.05)
            await asyncio.sleep(5)
    assert asyncio.get_running_loop().time() - started < 2


async def test_without_a_limit_or_suspended_nothing_ends_it() -> None:
    async with Patience(None):
        await asyncio.sleep(0.02)
    async with Patience(0.05) as patience:
        patience.suspend()
        await asyncio.sleep(0.15)
        patience.renew(0.05)
        with pytest.raises(asyncio.CancelledError):
            await asyncio.sleep(5)
        current = asyncio.current_task()
        assert current is not None
        current.uncancel()


async def test_the_callers_own_cancellation_stays_one() -> None:
    async def patient() -> None:
        async with Patience(5):
            await asyncio.sleep(5)

    task = asyncio.create_task(patient(), name="patient")
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_outer_limit_is_not_taken_for_an_inner_one() -> None:
    with pytest.raises(TimeoutError):
        async with Patience(0.05) as outer:
            try:
                async with Patience(5):
                    await asyncio.sleep(5)
            except TimeoutError:
                pytest.fail("the inner limit had not passed")
    assert outer is not None


async def test_what_is_hopeless_ends_after_half_of_the_time() -> None:
    loop, asked = asyncio.get_running_loop(), list[float]()

    def hopeless(seconds: float) -> bool:
        asked.append(seconds)
        return len(asked) == 2

    started = loop.time()
    with pytest.raises(TimeoutError):
        async with Patience(0.4, hopeless=hopeless):
            await asyncio.sleep(5)
    assert 0.24 <= loop.time() - started < 2
    assert asked == [0.4, 0.4]


async def test_with_hope_left_the_whole_time_is_given() -> None:
    loop = asyncio.get_running_loop()
    started = loop.time()
    with pytest.raises(TimeoutError):
        async with Patience(0.2, hopeless=lambda _: False):
            await asyncio.sleep(5)
    assert loop.time() - started >= 0.2


async def test_what_renews_in_its_first_half_is_not_asked_about() -> None:
    async with Patience(0.4, hopeless=lambda _: pytest.fail("it was not silent")) as patience:
        for _ in range(6):
            await asyncio.sleep(0.05)
            patience.renew(0.4)
        patience.suspend()
        await asyncio.sleep(0.5)
