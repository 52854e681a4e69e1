"""Looking for the objects that carry an operation's mark."""

from __future__ import annotations

from collections.abc import Sequence

from stacks.provider import marks
from stacks.provider.errors import QuarantinedDuplicates
from stacks.provider.handlers import HANDLERS
from stacks.provider.properties import Properties
from stacks.provider.work import Work


def marked(work: Work, inputs: Properties) -> list[str]:
    """Ids of the objects that carry this operation's mark."""
    declared = work.declaration
    if declared.special.find:
        return list(HANDLERS[declared.special.find](work, inputs))
    query = tuple((name, _filled(work, value, inputs)) for name, value in declared.list_query)
    path = declared.listing or work.collection
    listed = work.cloud.listing(
        declared.service, path, declared.plural, query=query, microversion=declared.microversion
    )
    return [str(item[declared.identified_by]) for item in listed if marks.marks_of(item).key == work.marks.key]


def the_marked_one(work: Work, inputs: Properties) -> str | None:
    """Id of the one object that carries this operation's mark; None where there is none.

    Raises:
        QuarantinedDuplicates: there are several.
    """
    found: Sequence[str] = marked(work, inputs)
    if len(found) > 1:
        raise QuarantinedDuplicates(work.declaration.noun, str(work.marks.key), found)
    return found[0] if found else None


def _filled(work: Work, template: str, inputs: Properties) -> str:
    project = inputs.get("tenantId") or (work.cloud.project_id if "{project}" in template else "")
    return template.format(project=project, name=inputs.get("name", ""), key=work.marks.key)
