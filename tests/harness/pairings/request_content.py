"""Features of what a request says: instructions and content parts."""

from harness.pairings.probe import CHAT, GEMINI, MESSAGES, RESPONSES, Probe
from harness.pairings.request_bodies import (
    PDF,
    PDF_URL,
    PICTURE,
    PICTURE_URL,
    SOUND,
    TOOLS,
    chat,
    item,
    items,
    turn,
    user,
)

_HI = {"role": "user", "content": "Hi"}
_HELLO = {"role": "assistant", "content": "Hello."}
_ITEM_HI = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}
_TURN_HI = {"role": "user", "parts": [{"text": "Hi"}]}
_TEXT = {"type": "text", "text": "What is it?"}
_ITEM_TEXT = {"type": "input_text", "text": "What is it?"}
_DATA_URL = f"data:image/png;base64,{PICTURE}"

CONTENT = (
    Probe(
        "text",
        {
            CHAT: user({"type": "text", "text": "Good evening"}),
            MESSAGES: user({"type": "text", "text": "Good evening"}),
            RESPONSES: item({"type": "input_text", "text": "Good evening"}),
            GEMINI: turn({"text": "Good evening"}),
        },
        ("Good evening",),
    ),
    Probe(
        "system instructions",
        {
            CHAT: chat({"role": "system", "content": "Be kind."}, _HI),
            MESSAGES: {"system": "Be kind."},
            RESPONSES: {"instructions": "Be kind."},
            GEMINI: {"systemInstruction": {"parts": [{"text": "Be kind."}]}},
        },
        ("Be kind.",),
    ),
    Probe(
        "developer instructions",
        {
            CHAT: chat({"role": "developer", "content": "Be kind."}, _HI),
            RESPONSES: items({"type": "message", "role": "developer", "content": "Be kind."}, _ITEM_HI),
        },
        ("Be kind.",),
    ),
    Probe(
        "two system messages",
        {
            CHAT: chat({"role": "system", "content": "Be kind."}, {"role": "system", "content": "Be short."}, _HI),
            MESSAGES: {"system": [{"type": "text", "text": "Be kind."}, {"type": "text", "text": "Be short."}]},
            GEMINI: {"systemInstruction": {"parts": [{"text": "Be kind."}, {"text": "Be short."}]}},
        },
        ("Be kind.", "Be short."),
    ),
    Probe(
        "instructions later in the conversation",
        {
            CHAT: chat(_HI, _HELLO, _HI, {"role": "system", "content": "From now on, be brief."}),
            RESPONSES: items(_ITEM_HI, {"type": "message", "role": "system", "content": "From now on, be brief."}),
        },
        ("From now on, be brief.",),
    ),
    Probe(
        "name of a participant",
        {CHAT: chat({"role": "user", "content": "Hi", "name": "ada"})},
        ("ada",),
    ),
    Probe(
        "image at a URL",
        {
            CHAT: user(_TEXT, {"type": "image_url", "image_url": {"url": PICTURE_URL}}),
            MESSAGES: user(_TEXT, {"type": "image", "source": {"type": "url", "url": PICTURE_URL}}),
            RESPONSES: item(_ITEM_TEXT, {"type": "input_image", "image_url": PICTURE_URL}),
            GEMINI: turn(
                {"text": "What is it?"}, {"fileData": {"mimeType": "image/png", "fileUri": PICTURE_URL}}
            ),
        },
        (PICTURE_URL,),
    ),
    Probe(
        "image inline",
        {
            CHAT: user(_TEXT, {"type": "image_url", "image_url": {"url": _DATA_URL}}),
            MESSAGES: user(
                _TEXT, {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PICTURE}}
            ),
            RESPONSES: item(_ITEM_TEXT, {"type": "input_image", "image_url": _DATA_URL}),
            GEMINI: turn({"text": "What is it?"}, {"inlineData": {"mimeType": "image/png", "data": PICTURE}}),
        },
        (PICTURE,),
    ),
    Probe(
        "detail of an image",
        {
            CHAT: user(_TEXT, {"type": "image_url", "image_url": {"url": PICTURE_URL, "detail": "low"}}),
            RESPONSES: item(_ITEM_TEXT, {"type": "input_image", "image_url": PICTURE_URL, "detail": "low"}),
        },
        beside={
            CHAT: user(_TEXT, {"type": "image_url", "image_url": {"url": PICTURE_URL}}),
            RESPONSES: item(_ITEM_TEXT, {"type": "input_image", "image_url": PICTURE_URL}),
        },
    ),
    Probe(
        "PDF inline",
        {
            CHAT: user(
                {"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}}
            ),
            MESSAGES: user(
                {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": PDF}}
            ),
            RESPONSES: item(
                {"type": "input_file", "filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}
            ),
            GEMINI: turn({"inlineData": {"mimeType": "application/pdf", "data": PDF}}),
        },
        (PDF,),
    ),
    Probe(
        "PDF at a URL",
        {
            MESSAGES: user({"type": "document", "source": {"type": "url", "url": PDF_URL}}),
            RESPONSES: item({"type": "input_file", "file_url": PDF_URL}),
            GEMINI: turn({"fileData": {"mimeType": "application/pdf", "fileUri": PDF_URL}}),
        },
        (PDF_URL,),
    ),
    Probe(
        "text document with citations",
        {
            MESSAGES: user(
                {
                    "type": "document", "title": "Grass",
                    "source": {"type": "text", "media_type": "text/plain", "data": "Grass is green."},
                    "citations": {"enabled": True},
                }
            ),
        },
        ("Grass is green.",),
    ),
    Probe(
        "audio inline",
        {
            CHAT: user({"type": "input_audio", "input_audio": {"data": SOUND, "format": "wav"}}),
            GEMINI: turn({"inlineData": {"mimeType": "audio/wav", "data": SOUND}}),
        },
        (SOUND,),
    ),
    Probe(
        "video inline",
        {
            CHAT: user({"type": "video_url", "video_url": {"url": f"data:video/mp4;base64,{SOUND}"}}),
            GEMINI: turn({"inlineData": {"mimeType": "video/mp4", "data": SOUND}}),
        },
        (SOUND,),
    ),
    Probe(
        "prompt caching by a mark",
        {
            CHAT: user({"type": "text", "text": "Hi", "prompt_cache_breakpoint": {"mode": "explicit"}}),
            MESSAGES: user({"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}}),
        },
        beside={CHAT: user({"type": "text", "text": "Hi"}), MESSAGES: user({"type": "text", "text": "Hi"})},
    ),
    Probe(
        "prompt caching of the tools",
        {MESSAGES: {"tools": [{**TOOLS[MESSAGES]["tools"][0], "cache_control": {"type": "ephemeral"}}]}},
        beside=TOOLS,
    ),
)  # fmt: skip
