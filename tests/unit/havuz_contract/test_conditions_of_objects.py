"""The sentences that conditions say."""

from havuz_contract.v1alpha1.conditions import not_programmed, programmed, refused, unresolved


def test_an_object_is_programmed_once_every_gateway_runs_its_revision() -> None:
    condition = programmed(3, 3, 17)
    assert (condition.status, condition.reason, condition.message) == (
        "True",
        "Programmed",
        "3/3 gateways run revision 17.",
    )


def test_an_object_is_not_programmed_while_a_gateway_is_behind() -> None:
    condition = programmed(2, 3, 17)
    assert (condition.status, condition.reason, condition.message) == (
        "False",
        "Loading",
        "2/3 gateways run revision 17.",
    )


def test_without_a_gateway_nothing_is_programmed() -> None:
    assert (programmed(0, 0, 17).status, programmed(0, 0, 17).reason) == ("False", "NoGateways")


def test_a_refused_object_says_everything_that_is_wrong() -> None:
    assert refused("UnsupportedValue", ["one", "two"]).message == "one. two"


def test_a_message_is_never_longer_than_the_api_server_takes() -> None:
    message = unresolved("NoKeys", ["a very long sentence " * 100] * 100).message
    assert len(message) == 4096
    assert message.endswith("…")


def test_an_object_that_is_out_of_service_is_not_programmed_for_that_reason() -> None:
    assert not_programmed(refused("Conflicted", ["taken"])).reason == "NotAccepted"
    assert not_programmed(unresolved("KeyPending", ["wait"])).message == "wait"
