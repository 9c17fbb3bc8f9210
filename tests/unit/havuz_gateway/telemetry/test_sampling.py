"""The decision to trace: the caller's, else the ratio's."""

import random

import pytest

from havuz_gateway.telemetry.sampling import Sampler, read_traceparent

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def _sampler(ratio: float, *, parent_based: bool = True) -> Sampler:
    return Sampler(ratio=ratio, parent_based=parent_based, rng=random.Random(7))


@pytest.mark.parametrize(("flags", "traced"), [("00", False), ("01", True), ("03", True), ("02", False)])
def test_the_callers_flag_decides_whatever_the_ratio_says(flags: str, traced: bool) -> None:
    headers = {"traceparent": f"00-{TRACE}-{SPAN}-{flags}"}
    assert _sampler(0.0).decide(headers) is traced
    assert _sampler(1.0).decide(headers) is traced


def test_a_sampler_that_is_not_parent_based_does_not_ask_the_caller() -> None:
    assert _sampler(0.0, parent_based=False).decide({"traceparent": f"00-{TRACE}-{SPAN}-01"}) is False
    assert _sampler(1.0, parent_based=False).decide({"traceparent": f"00-{TRACE}-{SPAN}-00"}) is True


def test_without_a_caller_the_ratio_decides() -> None:
    sampler = _sampler(0.25)
    traced = sum(sampler.decide({}) for _ in range(4_000))
    assert 800 < traced < 1_200


@pytest.mark.parametrize(
    "header",
    [
        "",
        "nonsense",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}-1",
    ],
)
def test_a_traceparent_that_is_not_valid_is_as_if_it_were_absent(header: str) -> None:
    assert read_traceparent(header) is None
    assert _sampler(1.0).decide({"traceparent": header}) is True


def test_a_later_version_is_read_as_far_as_it_is_known() -> None:
    context = read_traceparent(f"cc-{TRACE}-{SPAN}-01-what-comes-later", "vendor=value")
    assert context is not None
    assert f"{context.trace_id:032x}" == TRACE
    assert context.trace_state.get("vendor") == "value"
