"""Numbers, amounts and moments as a reader of a language writes them. Pure."""

from dataclasses import dataclass
from datetime import date, datetime, tzinfo

from havuz_contract.money import NANOS_PER_UNIT, format_amount

_MARKS = {"en": (",", "."), "tr": (".", ",")}  # between thousands, and before decimals
_MONTHS = {
    "en": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    "tr": ("Oca", "Şub", "Mar", "Nis", "May", "Haz", "Tem", "Ağu", "Eyl", "Eki", "Kas", "Ara"),
}
_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "TRY": "₺"}
_UNITS = {"credits": {"en": "credits", "tr": "kredi"}}
_LEAST_DECIMALS = 2
_SMALL_DECIMALS = 6


@dataclass(frozen=True, slots=True)
class Formats:
    """How one language writes. `zone` is the time zone that moments are shown in, which is always named."""

    code: str
    zone: tzinfo

    def number(self, value: float, decimals: int = 0) -> str:
        """A number with so many decimals: `1,234.5`, `1.234,5`."""
        return self._marked(f"{value:,.{decimals}f}")

    def amount(self, nanos: int, unit: str) -> str:
        """An amount as it is read at a glance: two decimals, or more where it would else be nothing."""
        exact = abs(nanos)
        step = NANOS_PER_UNIT // 10**_LEAST_DECIMALS
        if unit not in _SYMBOLS and exact % NANOS_PER_UNIT == 0:
            text = f"{exact // NANOS_PER_UNIT:,}"
        elif exact == 0 or exact >= step:
            hundredths = (exact + step // 2) // step
            text = f"{hundredths // 100:,}.{hundredths % 100:02}"
        else:
            text = f"{exact / NANOS_PER_UNIT:.{_SMALL_DECIMALS}f}".rstrip("0")
            text = "0.000001" if text == "0." else text  # less than can be shown is not nothing
        return self._of_unit(self._marked(text), unit, negative=nanos < 0)

    def exact(self, nanos: int, unit: str) -> str:
        """An amount with every decimal that it has, as prices are."""
        whole, _, part = format_amount(abs(nanos)).partition(".")
        decimals = part.ljust(_LEAST_DECIMALS, "0") if part or unit in _SYMBOLS else ""
        text = f"{int(whole):,}" + (f".{decimals}" if decimals else "")
        return self._of_unit(self._marked(text), unit, negative=nanos < 0)

    def unit(self, unit: str) -> str:
        """What a unit is called."""
        return _UNITS.get(unit, {}).get(self.code, unit)

    def day(self, moment: float | date) -> str:
        """A day: `21 Nov 2026`. A number is unix seconds."""
        read = moment if isinstance(moment, date) else datetime.fromtimestamp(moment, self.zone).date()
        return f"{read.day} {_MONTHS[self.code][read.month - 1]} {read.year}"

    def short_day(self, day: date) -> str:
        """A day without its year: `21 Nov`."""
        return f"{day.day} {_MONTHS[self.code][day.month - 1]}"

    def moment(self, seconds: float) -> str:
        """Unix seconds to the minute, with the name of the time zone: `21 Nov 2026, 20:13 UTC`."""
        read = datetime.fromtimestamp(seconds, self.zone)
        return f"{self.day(seconds)}, {read:%H:%M} {self.zone_name}"

    def machine(self, seconds: float) -> str:
        """Unix seconds for a `datetime` attribute."""
        return datetime.fromtimestamp(seconds, self.zone).isoformat(timespec="seconds")

    @property
    def zone_name(self) -> str:
        """The time zone as it is known: `UTC`, `Europe/Istanbul`."""
        return str(self.zone)

    def _of_unit(self, text: str, unit: str, *, negative: bool) -> str:
        sign = "−" if negative else ""
        symbol = _SYMBOLS.get(unit)
        return f"{sign}{symbol}{text}" if symbol else f"{sign}{text} {self.unit(unit)}"

    def _marked(self, text: str) -> str:
        thousands, decimal = _MARKS[self.code]
        return text.translate({ord(","): thousands, ord("."): decimal})
