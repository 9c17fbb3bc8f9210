"""Parts of a content to the neutral form, for requests and for answers: https://ai.google.dev/api/caching#Part."""

from typing import Any

from havuz_gateway.protocols.gemini.calls import CallIds, read_call, read_result
from havuz_gateway.protocols.gemini.media import read_media
from havuz_gateway.protocols.gemini.seals import read_thought
from havuz_gateway.protocols.gemini.wire import PROTOCOL
from havuz_gateway.protocols.members import Members
from havuz_gateway.protocols.neutral.content import Part, ProviderContent, RedactedThinking, Text, Thinking
from havuz_gateway.protocols.neutral.extensions import kept

# Documented parts that only this protocol has: steps of tools that Google itself runs, and what they return.
_OPAQUE = ("executableCode", "codeExecutionResult", "toolCall", "toolResponse", "audioTranscription")
_TOLD = ("functionCall", "functionResponse", "text", "inlineData", "fileData", "thoughtSignature", *_OPAQUE)
_SPOKEN = {"text", "thought", "thoughtSignature"}
_WANTED = "'text', 'inlineData', 'fileData', 'functionCall', 'functionResponse' or another documented member"


def read_part(part: Members, ids: CallIds) -> Part:
    """One part. Raises what `part` complains with for one that is not documented."""
    if part.peek("functionCall") is not None:
        return read_call(part, ids)
    if part.peek("functionResponse") is not None:
        return read_result(part, ids)
    if part.peek("text") is not None:
        return read_text(part)
    media = read_media(part)
    if media is not None:
        return media
    if any(part.peek(name) is not None for name in _OPAQUE):
        return ProviderContent(PROTOCOL, part.rest())
    if part.peek("thoughtSignature") is not None or not part.rest():
        return read_text(part)  # a signature may come alone
    raise part.wrong("text", None, _WANTED)


def read_answer_part(part: Members, ids: CallIds) -> Part:
    """One part of an answer. One of a kind newer than this gateway stays as it is."""
    if part.rest().keys() <= _SPOKEN or any(part.peek(name) is not None for name in _TOLD):
        return read_part(part, ids)
    return ProviderContent(PROTOCOL, part.rest())


def read_text(part: Members) -> Text | Thinking | RedactedThinking:
    """A part that is text, or a thought, or nothing but a signature."""
    text, signature, thought = part.text("text"), part.text("thoughtSignature"), part.flag("thought")
    spelled: dict[str, Any] = {} if text is not None else {"text": None}
    if thought:
        return read_thought(text or "", signature, kept(PROTOCOL, part.rest(), spelled=spelled))
    if thought is False:
        spelled["thought"] = False
    return Text(text or "", signature=signature, extensions=kept(PROTOCOL, part.rest(), spelled=spelled))
