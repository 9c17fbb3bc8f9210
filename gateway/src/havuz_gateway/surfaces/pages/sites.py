"""Which product is shown on which host: name, colour, links and base URL follow the Host header.

Written as YAML or JSON, a list under `sites`; each entry is for the hosts that it names, `*.example.com` for any below:

    sites:
    - hosts: [panel.example.com]
      name: Example AI
      accent: "#0b6e4f"
      baseURL: https://api.example.com
      links: {topUp: https://example.com/buy, support: mailto:help@example.com, docs: https://docs.example.com}
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator
from pydantic.alias_generators import to_camel

from havuz_contract.settings import SettingsError
from havuz_gateway.surfaces.pages.colours import READABLE, contrast, readable

LIGHT, DARK = "#f5f6f7", "#1b1e24"  # the worst to read accents on: the page in the light, a card in the dark
Host = Annotated[str, StringConstraints(pattern=r"^(\*\.)?[a-z0-9.-]+$", max_length=253)]
Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s\"'<>]+$", max_length=2_000)]
Link = Annotated[str, StringConstraints(pattern=r"^(https?://|mailto:)[^\s\"'<>]+$", max_length=2_000)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class Links(_Part):
    """Where a customer is sent; a link that is not set is not shown."""

    top_up: Link | None = None
    support: Link | None = None
    docs: Link | None = None


class Site(_Part):
    """One product. `base_url` is where its API is, without `/v1`; None: where the pages are."""

    name: str = Field(default="havuz", min_length=1, max_length=40)
    logo_text: str | None = Field(default=None, max_length=3)
    accent: str = "#0f6b6b"
    base_url: Url | None = Field(default=None, alias="baseURL")
    links: Links = Links()

    @field_validator("accent")
    @classmethod
    def _can_be_read(cls, accent: str) -> str:
        if contrast(accent, LIGHT) < READABLE:
            raise ValueError(f"{accent} can't be read on a light page: take one as dark as {readable(accent, LIGHT)}")
        return accent

    @property
    def accent_in_the_dark(self) -> str:
        """The accent, as light as it must be on a dark page."""
        return readable(self.accent, DARK)

    @property
    def mark(self) -> str:
        """What the logo says."""
        return self.logo_text or self.name[0].upper()


class HostedSite(Site):
    """A product that is shown on these hosts."""

    hosts: tuple[Host, ...] = Field(min_length=1)


class Sites(_Part):
    """Every product of an installation. `default` is shown on hosts that no site names; None: nothing is."""

    sites: tuple[HostedSite, ...] = ()
    default: Site | None = Site()

    @classmethod
    def read(cls, path: Path) -> Self:
        """The sites of a file. Raises `SettingsError` with a sentence for each thing that is wrong."""
        import yaml  # which most installations have no file for

        try:
            return cls.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
        except ValidationError as error:
            faults = [f"{'.'.join(map(str, one['loc']))}: {_said(one['msg'])}" for one in error.errors()]
            raise SettingsError("\n".join(f"{path}: {fault}" for fault in faults)) from None
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise SettingsError(f"the file of sites {str(path)!r} can't be read: {error}") from None

    def of(self, host: str) -> Site | None:
        """What is shown on a host (lower case, without the port): its own site before one of all below a name."""
        for site in self.sites:
            if host in site.hosts:
                return site
        return next((site for site in self.sites if _is_below(host, site.hosts)), self.default)


def _is_below(host: str, patterns: Sequence[str]) -> bool:
    return any(pattern.startswith("*.") and host.endswith(pattern[1:]) for pattern in patterns)


def _said(message: str) -> str:
    return message.removeprefix("Value error, ")
