"""The site as it is configured: the types of the site file themselves."""

from typing import Self

from headroom.site import Board, Feeder, Site
from headroom.web.documents.base import Document


class SiteDocument(Document):
    """Feeders, boards and circuits as configured."""

    name: str
    feeders: tuple[Feeder, ...]
    boards: tuple[Board, ...]

    @classmethod
    def of(cls, site: Site) -> Self:
        """Of a checked site."""
        return cls(name=site.name, feeders=site.feeders, boards=site.boards)
