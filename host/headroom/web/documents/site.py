"""The site as it is configured: the types of the site file themselves."""

from collections.abc import Mapping
from typing import Any, Self

from pydantic import JsonValue

from headroom.site import Board, Feeder, Site
from headroom.site.changes import Name, spelled
from headroom.web.documents.base import BoardId, Document


class SiteDocument(Document):
    """Feeders, boards and circuits as configured."""

    name: str
    feeders: tuple[Feeder, ...]
    boards: tuple[Board, ...]

    @classmethod
    def of(cls, site: Site) -> Self:
        """Of a checked site."""
        return cls(name=site.name, feeders=site.feeders, boards=site.boards)


class ToProvisionDocument(Document):
    """Boards that run by an earlier configuration until they are provisioned again."""

    provision: tuple[BoardId, ...]


class SiteChangeDocument(Document):
    """A change of the site since its file was read: a value, or all of a thing, null = removed.

    `misfit` has each reason why it is not in force.
    """

    name: str
    value: JsonValue
    misfit: tuple[str, ...]


class SiteChangesDocument(Document):
    """All of them by name."""

    changes: tuple[SiteChangeDocument, ...]

    @classmethod
    def of(cls, changes: Mapping[Name, Any], misfits: Mapping[Name, list[str]]) -> Self:
        """Of what is stored, and what of it is not in force."""
        return cls(
            changes=tuple(
                SiteChangeDocument(
                    name=spelled(name), value=changes[name], misfit=tuple(misfits.get(name, ()))
                )
                for name in sorted(changes)
            )
        )
