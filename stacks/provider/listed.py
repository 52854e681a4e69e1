"""Reading single objects out of lists: what is to be read anyway, all of it, costs calls by the page and not by the object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from stacks.provider.clouds import Cloud, Query
from stacks.provider.declarations import DECLARATIONS
from stacks.provider.declarations.model import Declaration, MarkIn
from stacks.provider.runs import CloudLogin
from stacks.provider.session import JournaledSession

_ONE_BY_ONE = frozenset({"identity", "object-store"})
"""Services whose lists hold what belongs to everybody, or names only."""


class ListedCloud(Cloud):
    """A connection that answers for single objects out of lists, each of which it asks for once.

    What a list does not hold is asked for by itself: nothing is absent because a list was short. Sees one moment, so
    that each look needs a new one.
    """

    def __init__(self, login: CloudLogin, session: JournaledSession) -> None:
        super().__init__(login, session)
        self._lists: dict[str, Mapping[str, dict[str, Any]]] = {}

    def find(self, service: str, path: str, *, query: Query = (), microversion: str = "") -> dict[str, Any] | None:
        """One thing, out of its list where there is one; None when it is not there."""
        collection, _, identity = path.rpartition("/")
        declared = _LISTED.get((service, collection))
        shown = self._objects_of(declared).get(unquote(identity)) if declared else None
        if declared is None or shown is None:
            return super().find(service, path, query=query, microversion=microversion)
        return {declared.singular: shown}

    def _objects_of(self, declared: Declaration) -> Mapping[str, dict[str, Any]]:
        if declared.type not in self._lists:
            own = (("project_id", self.project_id),) if declared.service == "network" else ()
            path = declared.listing or declared.collection
            found = self.listing(
                declared.service, path, declared.plural, query=own, microversion=declared.microversion
            )
            self._lists[declared.type] = {str(item[declared.identified_by]): item for item in found if declared.identified_by in item}
        return self._lists[declared.type]


def _is_listed(declared: Declaration) -> bool:
    enveloped = bool(declared.singular and declared.plural) and not declared.special.read
    return enveloped and declared.mark is not MarkIn.NOTHING and declared.service not in _ONE_BY_ONE


_LISTED = {(each.service, each.collection): each for each in DECLARATIONS.values() if _is_listed(each)}
"""By service and collection: the kind whose list it is. Relations are read where the objects are that they relate."""
