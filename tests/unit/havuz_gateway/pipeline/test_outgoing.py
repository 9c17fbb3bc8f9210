"""What an upstream is sent: the client's bytes, with only the members changed that must change."""

import json
from typing import Any

from harness.builders import make_route, make_target, make_upstream
from havuz_contract.snapshot.models import Mode, Parameters
from havuz_gateway.pipeline.outgoing import Outgoing, outgoing
from havuz_gateway.pipeline.types import Call, Plan
from havuz_gateway.pool.types import Candidate, Member
from havuz_gateway.protocols.body import Body
from havuz_gateway.protocols.codec import Stamp
from havuz_gateway.providers.mock import Mock, MockTransport


def send(
    fields: dict[str, Any] | bytes, *, parameters: Parameters | None = None, modes: tuple[Mode, ...] = (), **call: Any
) -> Outgoing:
    """The body for a target that calls the model `upstream`."""
    upstream = make_upstream()
    call.setdefault("modes", ("think", "deepsearch")[: len(modes)])
    target = make_target(upstream, model="upstream", parameters=parameters or Parameters())
    member = Member(upstream=upstream, provider=Mock(), transport=MockTransport(lambda: 0.0))
    body = Body.decode(fields if isinstance(fields, bytes) else json.dumps(fields).encode())
    model = str(body.fields["model"])
    defaults: dict[str, Any] = {"action": "chat", "protocol": "openai_chat", "stream": False}
    made = Call(model=model, body=body, **(defaults | call))
    plan = Plan(route=make_route(target), tiers=(), modes=modes)
    return outgoing(made, plan, Candidate(target=target, member=member, weight=1.0), Stamp())


def test_without_a_need_for_change_the_bytes_are_the_clients() -> None:
    raw = b'{ "model":"upstream","messages":[] }'
    assert send(raw).call.body is raw


def test_the_gateways_own_fields_stay_with_the_gateway() -> None:
    sent = send({"model": "upstream", "timeout": 5, "think": True, "deepsearch": False, "stop": ["x"]})
    assert json.loads(sent.call.body) == {"model": "upstream", "stop": ["x"]}
    assert sent.dropped == ()


def test_a_stream_asks_for_usage_beside_the_clients_own_options() -> None:
    sent = send({"model": "upstream", "stream": True, "stream_options": {"include_obfuscation": False}}, stream=True)
    options = json.loads(sent.call.body)["stream_options"]
    assert options == {"include_obfuscation": False, "include_usage": True}
    assert b"stream_options" not in send({"model": "upstream"}, action="embeddings", stream=False).call.body


def test_a_routes_parameters_fill_force_and_drop() -> None:
    parameters = Parameters(
        defaults={"temperature": 0.2, "top_p": 0.9}, overrides={"user": "havuz"}, drop=("seed", "logit_bias")
    )
    sent = send({"model": "public", "temperature": 1, "user": "mine", "seed": 7}, parameters=parameters)
    wanted = {"model": "upstream", "temperature": 1, "user": "havuz", "top_p": 0.9}
    assert json.loads(sent.call.body) == wanted
    assert sent.dropped == ("seed",)


def test_a_modes_parameters_come_on_top() -> None:
    think = Mode(parameters=Parameters(overrides={"reasoning_effort": "high"}))
    sent = send({"model": "upstream", "think": True, "reasoning_effort": "low"}, modes=(think,))
    assert json.loads(sent.call.body) == {"model": "upstream", "reasoning_effort": "high"}
