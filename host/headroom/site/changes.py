"""A site with some things and values other than its file has them; checked as the file is."""

from collections.abc import Iterable, Mapping
from typing import Any

from headroom.phases import PHASES
from headroom.site.checks import safe_totals_ma
from headroom.site.model import Site
from headroom.site.reading import SiteError, parse_site

# Stands for all of a thing: its table as in the file, None = the site has it no more.
TABLE = "table"
# (thing, key) -> value; the thing is feeder/ID, board/ID or circuit/ID/NO.
Name = tuple[str, str]
CHANGE_PATTERN = r"^(feeder|board|circuit)(\.[a-z0-9_-]{1,32}){1,3}$"
Changes = Mapping[Name, Any]


def changed_site(site: Site, changes: Changes) -> Site:
    """The site with changes, those of whole things before those of values in them.

    Raises SiteError, also for a value of a thing that the site has not.
    """
    if not changes:
        # A copy of it would take as much memory again, 6 KB a board.
        return site
    document = site.model_dump(mode="json")
    for (thing, key), table in changes.items():
        if key == TABLE:
            _put(document, thing, table)
    things = _things(document)
    for (thing, key), value in changes.items():
        if key != TABLE and thing not in things:
            raise SiteError([f"{thing}: the site has none any more; forget this change"])
        if key != TABLE:
            is_by_phase = isinstance(value, list)
            things[thing][key] = dict(zip(PHASES, value, strict=True)) if is_by_phase else value
    return parse_site(document)


def fitting_site(site: Site, changes: Changes) -> tuple[Site, dict[Name, list[str]]]:
    """The site with all changes that fit, and why each of the others does not."""
    try:
        return changed_site(site, changes), {}
    except SiteError:
        pass
    kept: dict[Name, Any] = {}
    why: dict[Name, list[str]] = {}
    left = sorted(changes, key=lambda name: (name[1] != TABLE, name))
    # Some fit only once others are there.
    for _ in range(len(left)):
        for name in left:
            try:
                changed_site(site, kept | {name: changes[name]})
                kept[name] = changes[name]
            except SiteError as error:
                why[name] = error.lines
        if not set(left) & set(kept):
            break
        left = [name for name in left if name not in kept]
    return changed_site(site, kept), {name: why[name] for name in left}


def spelled(name: Name) -> str:
    """A change's name as people write it: feeder.riser.limit_ma, board.flat-1."""
    thing, key = name
    return ".".join([*thing.split("/"), *([] if key == TABLE else [key])])


def named(spelling: str, changes: Iterable[Name]) -> Name | None:
    """The change of that spelling, if it is among them."""
    return next((name for name in changes if spelled(name) == spelling), None)


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


def _put(document: dict[str, Any], thing: str, table: dict[str, Any] | None) -> None:
    """Put a feeder or board in its place, or last if it is new; None takes it away."""
    kind, thing_id = thing.split("/")
    tables = document[f"{kind}s"]
    places = [place for place, one in enumerate(tables) if one["id"] == thing_id]
    place = places[0] if places else len(tables)
    tables[place : place + 1] = [] if table is None else [table]


def _things(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Every table of which a value can be changed, by its name."""
    things = {f"feeder/{feeder['id']}": feeder for feeder in document["feeders"]}
    for board in document["boards"]:
        things[f"board/{board['id']}"] = board
        for number, circuit in enumerate(board["circuits"]):
            things[f"circuit/{board['id']}/{number}"] = circuit
    return things
