"""The languages of the pages. Every text is in `texts/<page>.json`, in all languages side by side."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

CODES = ("en", "tr")
NAMES = {"en": "English", "tr": "Türkçe"}


@dataclass(frozen=True, slots=True)
class Language:
    """One language. `texts` are its sentences by `page.name`."""

    code: str
    texts: Mapping[str, str]

    def say(self, name: str, /, **values: object) -> str:
        """A text with its values filled in. One thing of a `count` is `<name>.one`, where a language has that.

        Raises `KeyError` for a text that nobody wrote.
        """
        one = f"{name}.one"
        text = self.texts[one] if values.get("count") == "1" and one in self.texts else self.texts[name]
        return text.format(**values) if values else text


def read_languages() -> dict[str, Language]:
    """Every language by its code."""
    texts: dict[str, dict[str, str]] = {code: {} for code in CODES}
    for file in sorted(resources.files(__package__).joinpath("texts").iterdir(), key=lambda one: one.name):
        page = file.name.removesuffix(".json")
        for name, versions in json.loads(file.read_text(encoding="utf-8")).items():
            for code in CODES:
                texts[code][f"{page}.{name}"] = versions[code]
    return {code: Language(code, texts[code]) for code in CODES}


def preferred(accepted: str, chosen: str | None) -> str:
    """The code of the language to show: what was `chosen` here, else the browser's wish, else English.

    `accepted` is an Accept-Language header: https://www.rfc-editor.org/rfc/rfc9110#name-accept-language.
    """
    if chosen in CODES:
        return chosen
    wishes: list[tuple[float, int, str]] = []
    for position, item in enumerate(accepted.split(",")[:20]):
        tag, _, quality = item.partition(";")
        code = tag.strip().lower().partition("-")[0]
        if code in CODES:
            wishes.append((-_weight(quality), position, code))
    return min(wishes)[2] if wishes else CODES[0]


def _weight(quality: str) -> float:
    name, _, value = quality.strip().partition("=")
    if name != "q":
        return 1.0
    try:
        return min(max(float(value), 0.0), 1.0)
    except ValueError:
        return 0.0
