"""The words of the pages: every text in both languages, every text that a page says written, numbers by language."""

import re
from datetime import date
from importlib import resources
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from havuz_contract.money import NANOS_PER_UNIT, parse_amount
from havuz_gateway.surfaces.pages.colours import READABLE, contrast, readable
from havuz_gateway.surfaces.pages.formats import Formats
from havuz_gateway.surfaces.pages.languages import CODES, preferred, read_languages
from havuz_gateway.surfaces.pages.routes import ROUTES

PAGES = resources.files("havuz_gateway.surfaces.pages")
LANGUAGES = read_languages()
EN, TR = (Formats(code, ZoneInfo("UTC")) for code in CODES)
COLOURS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


def test_both_languages_say_the_same_things_with_the_same_values() -> None:
    en, tr = (LANGUAGES[code].texts for code in CODES)
    assert en.keys() == tr.keys()
    for name, text in en.items():
        if not name.endswith(".one"):
            assert set(re.findall(r"{(\w+)}", text)) == set(re.findall(r"{(\w+)}", tr[name])), name


def test_every_text_that_a_template_says_is_written() -> None:
    said = set()
    for template in PAGES.joinpath("templates").iterdir():
        said |= set(re.findall(r"""\bt\(["']([\w.]+)["'][,)]""", template.read_text(encoding="utf-8")))
    assert said, "no template says anything"
    assert said - LANGUAGES["en"].texts.keys() == set()
    assert {route.title for route in ROUTES if route.title} - LANGUAGES["en"].texts.keys() == set()


@pytest.mark.parametrize(
    ("accepted", "chosen", "code"),
    [
        ("tr-TR,tr;q=0.9,en;q=0.8", None, "tr"),
        ("de, en;q=0.2, tr;q=0.3", None, "tr"),
        ("tr;q=0.1, en", None, "en"),
        ("de", None, "en"),
        ("", None, "en"),
        ("tr;q=x, en;q=0.1", None, "en"),
        ("en", "tr", "tr"),
        ("tr", "xx", "tr"),
    ],
)
def test_the_language_is_the_one_that_was_chosen_or_that_the_browser_likes_best(
    accepted: str, chosen: str | None, code: str
) -> None:
    assert preferred(accepted, chosen) == code


@pytest.mark.parametrize(
    ("amount", "unit", "en", "tr"),
    [
        ("1234.56", "USD", "$1,234.56", "$1.234,56"),
        ("0", "USD", "$0.00", "$0,00"),
        ("-3.5", "EUR", "−€3.50", "−€3,50"),
        ("0.00042", "USD", "$0.00042", "$0,00042"),
        ("0.000000001", "USD", "$0.000001", "$0,000001"),
        ("0.999", "TRY", "₺1.00", "₺1,00"),
        ("1000", "credits", "1,000 credits", "1.000 kredi"),
        ("12.5", "credits", "12.50 credits", "12,50 kredi"),
    ],
)
def test_amounts_are_written_as_readers_of_each_language_write_them(amount: str, unit: str, en: str, tr: str) -> None:
    assert (EN.amount(parse_amount(amount), unit), TR.amount(parse_amount(amount), unit)) == (en, tr)


def test_prices_keep_every_decimal() -> None:
    assert EN.exact(parse_amount("0.0015"), "USD") == "$0.0015"
    assert TR.exact(parse_amount("1500.5"), "USD") == "$1.500,50"
    assert EN.exact(10 * NANOS_PER_UNIT, "credits") == "10 credits"


def test_moments_name_their_time_zone() -> None:
    istanbul = Formats("tr", ZoneInfo("Europe/Istanbul"))
    assert EN.moment(1_795_000_000) == "18 Nov 2026, 11:06 UTC"
    assert istanbul.moment(1_795_000_000) == "18 Kas 2026, 14:06 Europe/Istanbul"
    assert istanbul.day(date(2026, 8, 1)) == "1 Ağu 2026"


@given(COLOURS, st.sampled_from(["#f5f6f7", "#1b1e24"]))
def test_a_colour_can_always_be_made_readable(colour: str, ground: str) -> None:
    made = readable(colour, ground)
    assert contrast(made, ground) >= READABLE
    assert made == colour or contrast(colour, ground) < READABLE
