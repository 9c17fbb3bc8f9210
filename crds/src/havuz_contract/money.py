"""Money as integers: a *nano* is a billionth of a unit (USD, credits). Never a float.

int64 in Redis holds about 9.2 billion units, which bounds every amount a user may write.
"""

from decimal import Decimal, InvalidOperation, localcontext

NANOS_PER_UNIT = 1_000_000_000
MAX_NANOS = 2**63 - 1


def parse_amount(text: str) -> int:
    """Turn a decimal string of units (`"0.10"`) into nanos.

    Raises `ValueError` with a sentence when the text is no plain decimal, has more than nine decimals, or is too large.
    """
    try:
        with localcontext(prec=50):
            value = Decimal(text)
            if not value.is_finite():
                raise ValueError(f"amount {text!r} is not a finite decimal number")
            nanos = value * NANOS_PER_UNIT
            if nanos != nanos.to_integral_value():
                raise ValueError(f"amount {text!r} has more than nine decimals")
    except InvalidOperation:
        raise ValueError(f"amount {text!r} is not a decimal number") from None
    if abs(nanos) > MAX_NANOS:
        raise ValueError(f"amount {text!r} is too large")
    return int(nanos)


def format_amount(nanos: int) -> str:
    """Turn nanos into the shortest decimal string of units: `1_500_000_000` is `"1.5"`."""
    whole, part = divmod(abs(nanos), NANOS_PER_UNIT)
    text = f"{whole}.{part:09d}".rstrip("0").rstrip(".")
    return f"-{text}" if nanos < 0 else text
