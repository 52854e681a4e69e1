"""What the controller would make of manifests: the same look, the same decision, without a cluster and without a cloud."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from govcloud.adapters.manifest_cluster import DayClock, ManifestCluster, ManifestSources
from govcloud.adapters.manifest_files import Document, Fault
from govcloud.api.kinds import REQUEST
from govcloud.api.manifest import kind_of, misfits
from govcloud.core import actions as act
from govcloud.core.decide import decide
from govcloud.core.plan import Plan
from govcloud.core.violations import Violation
from govcloud.observe import observe
from govcloud.reasons import Reason
from policies.shelf import Shelf, shipped

Result = Literal["planned", "refused", "unchanged"]


@dataclass(frozen=True)
class Forecast:
    """What would become of one request: a plan, or what stands against it, or neither when it asks for nothing new."""

    namespace: str
    name: str
    before: Plan | None = None
    plan: Plan | None = None
    violations: tuple[Violation, ...] = ()

    @property
    def result(self) -> Result:
        if self.violations:
            return "refused"
        return "planned" if self.plan else "unchanged"


@dataclass(frozen=True)
class Question:
    """What is asked: which day it is, what runs already, under which jurisdiction (none: the units' own), with which packs."""

    now: datetime
    bases: Sequence[Plan] = ()
    jurisdiction: str | None = None
    packs: Shelf = field(default_factory=shipped)


@dataclass(frozen=True)
class Outlook:
    """All requests of the manifests; none where only other kinds were to be checked. With a fault there is no forecast: half an answer is none."""

    forecasts: tuple[Forecast, ...]
    faults: tuple[Fault, ...]


def outlook(documents: Sequence[Document], question: Question) -> Outlook:
    """Judge every CloudServiceRequest among the documents, with the other documents around it."""
    if faults := tuple(_misfitting(documents)) or tuple(_out_of_place(documents, question)):
        return Outlook((), faults)
    cluster = ManifestCluster(documents, question.now, question.bases, question.jurisdiction)
    sources = ManifestSources(cluster, DayClock(question.now), question.packs)
    answers = [_answer(sources, document, question) for document in documents if document.kind == REQUEST.kind]
    faults = tuple(answer for answer in answers if isinstance(answer, Fault))
    return Outlook(() if faults else tuple(a for a in answers if isinstance(a, Forecast)), faults)


def _misfitting(documents: Sequence[Document]) -> Iterator[Fault]:
    for document in documents:
        for misfit in misfits(document.body):
            yield Fault(document.file, document.number, misfit.field, misfit.message)


def _out_of_place(documents: Sequence[Document], question: Question) -> Iterator[Fault]:
    """Nothing of ours at all, objects that are there twice, and bases of other requests."""
    named = [d for d in documents if d.body["metadata"].get("name")]
    counts = Counter((d.kind, d.namespace, d.name) for d in named)
    for document in named:
        if counts[document.kind, document.namespace, document.name] > 1:
            yield Fault(document.file, document.number, "metadata.name", f"{document.kind} {document.name} is given more than once")
    if not any(kind_of(document.body) for document in documents):
        yield Fault("-f", 0, "", "holds no CloudServiceRequest, and nothing else of govcloud.dev")
    requests = {(d.namespace, d.name) for d in named if d.kind == REQUEST.kind}
    for base in question.bases:
        if (base.request.namespace, base.request.name) not in requests:
            yield Fault("--base", 0, "", f"is a plan of {base.request.namespace}/{base.request.name}, which is not among the documents")


def _answer(sources: ManifestSources, document: Document, question: Question) -> Forecast | Fault:
    namespace, name = document.namespace, document.name
    if not sources.cluster.has_namespace(namespace):
        return Fault(document.file, document.number, "metadata.namespace",
                     f"the Namespace {namespace!r} is not among the documents; its label says which unit it belongs to: add its manifest with -f")  # fmt: skip
    facts = observe(sources, namespace, name)
    before = next((b for b in question.bases if (b.request.namespace, b.request.name) == (namespace, name)), None)
    match decide(facts) if facts else None:
        case act.Freeze(plan):
            sources.cluster.reserve_for(plan)
            return Forecast(namespace, name, before, plan)
        case act.Refuse(violations):
            return Forecast(namespace, name, before, violations=violations)
        case act.Block(reason, message):
            return Fault(document.file, document.number, _NAMED_BY.get(reason, ""), f"{message} ({reason}); add what is missing with -f")
        case _:
            return Forecast(namespace, name, before)


_NAMED_BY = {
    Reason.UNIT_MISSING: "spec.unit",
    Reason.JURISDICTION_MISSING: "UsingUnit.spec.jurisdiction",
    Reason.CATALOG_MISSING: "Jurisdiction.spec.catalog",
    Reason.PACK_MISSING: "Jurisdiction.spec.pack",
}
"""The field that names what is not there."""
