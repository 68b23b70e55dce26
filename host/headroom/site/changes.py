"""A site with some values other than its file has them; checked as the file is."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from headroom.phases import PHASES
from headroom.site.checks import faults, safe_totals_ma
from headroom.site.model import Site
from headroom.site.reading import SiteError


def changed_site(site: Site, changes: Mapping[tuple[str, str], Any]) -> Site:
    """The site with changes by (thing, key); the thing is feeder/ID, board/ID or circuit/ID/NO.

    Those of things that the file no longer has are passed over. Raises SiteError.
    """
    document = site.model_dump()
    things = _things(document)
    for (thing, key), value in changes.items():
        if thing in things:
            things[thing][key] = tuple(value) if isinstance(value, list) else value
    try:
        changed = Site.model_validate(document)
    except ValidationError as error:
        raise SiteError([f["msg"].removeprefix("Value error, ") for f in error.errors()]) from None
    found = faults(changed)
    if found:
        raise SiteError(found)
    return changed


def check_limit(site: Site, feeder_id: str) -> None:
    """Raise SiteError if boards could use more by their safe limits alone."""
    feeder = site.feeder(feeder_id)
    safe_ma = safe_totals_ma(site)[feeder_id]
    for phase, safe, limit in zip(PHASES, safe_ma, feeder.limit_ma, strict=True):
        if safe > limit:
            raise SiteError(
                [
                    f"limit_ma: {limit} on {phase} cannot be kept, safe limits and uncontrolled "
                    f"load sum to {safe}; give at least that"
                ]
            )


def _things(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Every table that can be changed, by its name; lists in place of tuples on the way."""
    document["feeders"] = tuple(document["feeders"])
    things = {f"feeder/{feeder['id']}": feeder for feeder in document["feeders"]}
    for board in document["boards"]:
        things[f"board/{board['id']}"] = board
        for number, circuit in enumerate(board["circuits"]):
            things[f"circuit/{board['id']}/{number}"] = circuit
    return things
