"""What the API's document says of money and files."""

from havuz_gateway.files.links import PREFIX
from havuz_gateway.surfaces import account
from havuz_gateway.surfaces.openapi.headers import OF_FILES
from havuz_gateway.surfaces.openapi.operation import JSON, Answer, Operation, Parameter
from havuz_gateway.surfaces.openapi.schema import (
    Schema,
    array,
    choice,
    constant,
    nullable,
    number,
    record,
    ref,
    text,
    whole,
)

_AMOUNT = text("A decimal number, in the project's unit.", pattern=r"^-?\d+(\.\d+)?$")
_TIME = text(format="date-time")

SCHEMAS: dict[str, Schema] = {
    "Balance": record(
        {
            "keyid": text(),
            "balance": _AMOUNT
            | {"description": "What can be spent now, what is left of the month's allowance included."},
            "unit": text(examples=["USD"]),
            "reserved": _AMOUNT
            | {"description": "The most that open requests can cost. It is not part of the balance."},
            "spent": _AMOUNT | {"description": "Of all time."},
            "period": nullable(
                record(
                    {"id": text(), "start": _TIME, "end": _TIME, "allowance": _AMOUNT, "spent": _AMOUNT},
                    words="The billing month; null on plans without one.",
                )
            ),
            "updated_at": nullable(_TIME | {"description": "When the money last moved."}),
        }
    ),
    "UsageRow": record(
        {
            "requests": whole(),
            "errors": whole(),
            "input_tokens": whole("What was read from and written to the provider's cache included."),
            "output_tokens": whole("Reasoning included."),
            "cache_read_tokens": whole(),
            "cache_write_tokens": whole(),
            "images": whole(),
            "characters": whole(),
            "audio_seconds": number(),
            "cost": _AMOUNT,
        },
        {
            "model": text("With `group_by=model`."),
            "keyid": text("With `group_by=key`."),
            "name": nullable(text("The key's name, with `group_by=key`.")),
            "day": text("A day of UTC, with `group_by=day`."),
        },
    ),
    "Usage": record(
        {
            "object": constant("list"),
            "data": array(ref("UsageRow")),
            "unit": text(),
            "from": _TIME,
            "to": _TIME | {"description": "The end of what was summed up, which is not part of it."},
        }
    ),
}

_FILE = {"image/*": text(), "audio/*": text()}
_SPAN = "A day, which is meant whole, or a time such as `2026-11-21T08:00:00Z`."
OPERATIONS = (
    Operation(
        "get", "/api/balance/{keyid}", "getBalance", "Account", "Show the balance", "OpenAI",
        words="The money of the key's own project, whichever of its keys asks.",
        parameters=(Parameter("keyid", "path", "The id of a key of your project: never the key itself.", text()),),
        answers={200: Answer("The balance.", {JSON: ref("Balance")})},
    ),
    Operation(
        "get", "/v1/usage", "getUsage", "Account", "Sum up what was used", "OpenAI",
        parameters=(
            Parameter("from", "query", _SPAN + " Default: 30 days before `to`.", text()),
            Parameter("to", "query", _SPAN + " Default: the end of today. At most 400 days at once.", text()),
            Parameter("group_by", "query", "What a row stands for.", choice(*account.GROUPS, default="model")),
        ),
        answers={200: Answer("A row for each model, key or day that was used.", {JSON: ref("Usage")})},
        also=("/api/v1/usage",),
    ),
    Operation(
        "get", PREFIX + "{name}", "getFile", "Files", "Read a picture or sound by its signed link", "OpenAI",
        words="Use the whole link as it was given to you: whoever has it can read the file. It answers ranges and "
        "`If-None-Match`. Once it has expired it is a 410.",
        parameters=(
            Parameter("name", "path", "The file.", text()),
            Parameter("expires", "query", "Of the link.", text(), required=True),
            Parameter("signature", "query", "Of the link.", text(), required=True),
        ),
        answers={
            200: Answer("The file.", _FILE, headers=OF_FILES),
            206: Answer("The range that was asked for.", _FILE, headers=(*OF_FILES, "content-range")),
            304: Answer("It is the file you have.", {}, headers=OF_FILES),
        },
        keys="none",
    ),
)  # fmt: skip
