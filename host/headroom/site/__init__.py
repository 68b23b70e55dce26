"""The site: everything behind one grid connection, described by one TOML file."""

from headroom.site.model import Board, Circuit, Feeder, Meter, Site
from headroom.site.reading import SiteError, load_site, parse_site

__all__ = ["Board", "Circuit", "Feeder", "Meter", "Site", "SiteError", "load_site", "parse_site"]
