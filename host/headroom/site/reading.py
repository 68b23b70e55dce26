"""Reads a site file and tells each of its faults in one line."""

import json
import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from headroom.site.checks import faults
from headroom.site.model import Site


class SiteError(Exception):
    """A site file that cannot be used; `lines` has one sentence for each fault."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


def load_site(path: Path) -> Site:
    """The site in a TOML file; raises SiteError with one line for each fault."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SiteError([f"{path}: cannot be read: {error.strerror}"]) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SiteError([f"{path}: is not TOML: {error}"]) from error
    try:
        return parse_site(document)
    except SiteError as error:
        raise SiteError([f"{path}: {line}" for line in error.lines]) from error


def parse_site(document: dict[str, Any]) -> Site:
    """The site in a parsed TOML document; raises SiteError."""
    try:
        # Through JSON, where strict validation still takes an array for a tuple.
        site = Site.model_validate_json(json.dumps(document, default=str))
    except ValidationError as error:
        raise SiteError([_line(fault) for fault in _roots(error)]) from None
    found = faults(site)
    if found:
        raise SiteError(found)
    return site


def _roots(error: ValidationError) -> list[ErrorDetails]:
    """The faults that are not mere consequences of others."""
    faults = [f for f in error.errors() if f["type"] != "default_factory_not_called"]
    places = [fault["loc"] for fault in faults]
    return [fault for fault in faults if not any(_within(place, fault["loc"]) for place in places)]


def _within(place: tuple[int | str, ...], parent: tuple[int | str, ...]) -> bool:
    return len(place) > len(parent) and place[: len(parent)] == parent


def _line(fault: ErrorDetails) -> str:
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in fault["loc"])
    message = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "extra_forbidden":
        message = "unknown key; check its spelling or remove it"
    if fault["type"] == "missing":
        return f"{place[1:]}: is missing"
    if fault["type"] == "value_error":
        return f"{place[1:]}: {message}"
    return f"{place[1:]}: {message}, got {fault['input']!r}"
