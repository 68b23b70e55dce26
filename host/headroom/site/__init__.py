"""The site: everything behind one grid connection, described by one TOML file."""

from headroom.site.changes import changed_site, check_limit
from headroom.site.model import Board, Circuit, Feeder, Meter, PlacedSensor, Sensor, Site
from headroom.site.reading import SiteError, load_site, parse_site

__all__ = [
    "Board",
    "Circuit",
    "Feeder",
    "Meter",
    "PlacedSensor",
    "Sensor",
    "Site",
    "SiteError",
    "changed_site",
    "check_limit",
    "load_site",
    "parse_site",
]
