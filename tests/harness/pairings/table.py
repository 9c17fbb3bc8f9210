"""The table of pairings: every feature, from every client's protocol to every provider's, as Markdown."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from harness.pairings import answer_bodies, request_bodies
from harness.pairings.answer_content import CONTENT as ANSWER_CONTENT
from harness.pairings.answer_ends import ENDS
from harness.pairings.probe import Probe, Verdict, judge_answer, judge_request
from harness.pairings.request_content import CONTENT
from harness.pairings.request_loops import LOOPS
from harness.pairings.request_settings import BOOKS, FORM, SAMPLING, THINKING, TOOL_USE
from havuz_gateway.protocols.codec import Codec
from havuz_gateway.protocols.registry import CODECS

Kind = Literal["request", "answer", "stream"]
REQUESTS: Mapping[str, Sequence[Probe]] = {
    "Content": CONTENT, "Earlier turns": LOOPS, "Tools": TOOL_USE, "Form of the answer": FORM, "Thinking": THINKING,
    "Sampling": SAMPLING, "Bookkeeping": BOOKS,
}  # fmt: skip
ANSWERS: Mapping[str, Sequence[Probe]] = {"Content": ANSWER_CONTENT, "End and usage": ENDS}
NAMES = {
    "openai_chat": "Chat Completions",
    "anthropic": "Messages",
    "openai_responses": "Responses",
    "gemini": "Gemini",
}
_HEAD = """# Pairings of protocols

What becomes of each feature between the protocol a client speaks and the one its provider speaks. Written by
`make generate` from probes that are run through the gateway's own conversion; do not edit.

- Where both ends speak the same protocol, bytes are relayed and nothing is lost, unknown fields included.
- **kept**: said in the other protocol's words for the same thing. **mapped**: said in the nearest words it has.
- *without* `x`, *dropped* `x`: a hint that the other end is not told; `x-havuz-dropped` names it. Of a streamed answer,
  whose headers are sent before, what can't be told is named only here.
- *refused* `x`: a 400 that names the field, where no other target of the route can say it.
- **–**: the protocol of the one who speaks has no words for it.

Models differ: this is for the newest ones of each provider. Older ones may lack an effort of reasoning, structured
output or sampling; that is mapped or named likewise.
"""


def verdict(kind: Kind, probe: Probe, client: Codec, provider: Codec) -> Verdict | None:
    """What becomes of a probe; None where the one who speaks has no words for it."""
    match kind:
        case "request" if client.protocol in probe.said:
            return judge_request(probe, client, provider, base=request_bodies.BASES[client.protocol])
        case "answer" | "stream" if provider.protocol in probe.said:
            base = answer_bodies.BASES[provider.protocol]
            return judge_answer(probe, client, provider, base=base, stream=kind == "stream")
        case _:
            return None


def probes(kind: Kind) -> Iterator[tuple[Probe, Codec, Codec]]:
    """Every probe with every pair of a client's and a provider's codec."""
    for group in (REQUESTS if kind == "request" else ANSWERS).values():
        for probe in group:
            for client in CODECS.values():
                for provider in CODECS.values():
                    yield probe, client, provider


def page() -> str:
    """The whole page."""
    parts = [_HEAD]
    for client in CODECS.values():
        parts += [f"\n## A client of {NAMES[client.protocol]}\n", "\n### Requests, by the provider's protocol\n\n"]
        parts.append(_table(client, REQUESTS, ("request",)))
        parts += ["\n### Answers, by the provider's protocol\n\n", _table(client, ANSWERS, ("answer", "stream"))]
    return "".join(parts)


def _table(client: Codec, groups: Mapping[str, Sequence[Probe]], kinds: Sequence[Kind]) -> str:
    names = [NAMES[provider] for provider in CODECS]
    lines = [f"| | {' | '.join(names)} |", f"|---|{'---|' * len(names)}"]
    for title, group in groups.items():
        rows = [(probe.name, _cells(probe, client, kinds)) for probe in group]
        told = [f"| {name} | {' | '.join(cells)} |" for name, cells in rows if set(cells) != {"–"}]
        lines += [f"| **{title}** |{' |' * len(names)}", *told] if told else []
    return "\n".join(lines) + "\n"


def _cells(probe: Probe, client: Codec, kinds: Sequence[Kind]) -> list[str]:
    return [_cell([verdict(kind, probe, client, provider) for kind in kinds]) for provider in CODECS.values()]


def _cell(found: Sequence[Verdict | None]) -> str:
    whole, *streamed = [_shown(one) for one in found]
    return whole if streamed in ([], [whole]) else f"{whole}; stream: {streamed[0]}"


def _shown(found: Verdict | None) -> str:
    if found is None:
        return "–"
    names = ", ".join(f"`{name}`" for name in found.names)
    match found.outcome:
        case "mapped" if names:
            return f"mapped without {names}"
        case "untold":
            return f"not told: {found.names[0]}"
        case _:
            return f"{found.outcome} {names}".strip()
