"""What the node tier counts of its load."""

from harness.node.load import Ended, Step

FINE = Ended(kind="short", began=1.0, ended=1.1, error=None)
CUT = Ended(kind="stream", began=0.0, ended=2.0, error="cut after its start: ClientPayloadError")
REFUSED = Ended(kind="again", began=1.0, ended=1.0, error="ClientConnectorError: refused")


def test_a_connection_made_again_is_no_failed_request() -> None:
    step = Step("rolling restart", [FINE, REFUSED], seconds=3.0)
    assert step.failed() == []
    assert step.again == [REFUSED]


def test_failed_requests_are_counted_by_kind() -> None:
    step = Step("kill -9", [FINE, CUT, REFUSED], seconds=3.0)
    assert (step.failed("stream"), step.failed("short")) == ([CUT], [])
    assert str(step) == (
        "kill -9: 1 short calls and 1 streams ended in 3 s; failed: 0 short, 1 stream; connected again: 1"
    )
