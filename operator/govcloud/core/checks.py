"""The rules, each a small function named after what is wrong. The list at the end is the specification."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from govcloud.api.request import RequestSpec
from govcloud.core.calendar import official_day
from govcloud.core.facts import Facts
from govcloud.core.violations import Violation
from govcloud.reasons import Reason
from policies.rules import Edition, Transition
from stacks.kind import Problem


@dataclass(frozen=True)
class Case:
    """What is judged: a wanted spec, as a transition, under the edition in force."""

    facts: Facts
    spec: RequestSpec
    transition: Transition
    edition: Edition
    problems: tuple[Problem, ...]


Check = Callable[[Case], Iterator[Violation]]


def namespace_belongs_to_another_unit(case: Case) -> Iterator[Violation]:
    """S2: what a unit owns is reached through that unit's namespaces only."""
    owner = case.facts.namespace_unit
    if owner != case.spec.unit:
        yield Violation(
            "namespace-unit", "spec.unit",
            f"this namespace belongs to {owner or 'no unit'}; a request of {case.spec.unit} goes into a namespace labelled govcloud.dev/unit={case.spec.unit}",
            f"本命名空间属于 {owner or '(无单位)'},请在 {case.spec.unit} 的命名空间中申请",
            reason=Reason.UNIT_MISMATCH,
        )  # fmt: skip


def system_is_refused(case: Case) -> Iterator[Violation]:
    """A1: classified systems, and such as no government money pays for."""
    grounds = {"classified": case.spec.system.classified, "notGovernmentFunded": not case.spec.system.government_funded}
    fields = {"classified": "spec.system.classified", "notGovernmentFunded": "spec.system.governmentFunded"}
    for refusal in case.edition.refusals:
        if grounds[refusal.ground]:
            yield Violation(refusal.ground, fields[refusal.ground], refusal.en, refusal.zh, refusal.source.cite())


def materials_are_missing(case: Case) -> Iterator[Violation]:
    """L1: what an application must carry."""
    if case.transition not in ("Provision", "MajorChange"):
        return
    given = {material.kind for material in case.spec.application}
    for rule in case.edition.materials[case.spec.purpose]:
        if rule.kind not in given:
            yield Violation(
                "materials", "spec.application",
                f"the {rule.en} is missing; add an entry of kind {rule.kind!r} with number, sha256 and location",
                f"缺少{rule.zh}(kind: {rule.kind})", rule.source.cite(),
            )  # fmt: skip


def superior_is_unknown(case: Case) -> Iterator[Violation]:
    """L2: a secondary unit asks through its primary unit."""
    unit = case.facts.unit
    if unit and unit.spec.budget_level == "Secondary" and case.facts.superior is None:
        yield Violation(
            "superior", "UsingUnit.spec.superior",
            f"the secondary unit {unit.name} names no superior that exists ({unit.spec.superior or 'none given'})",
            f"二级预算单位 {unit.name} 没有有效的主管一级预算单位", "JJ 14",
        )  # fmt: skip


def office_is_not_named(case: Case) -> Iterator[Violation]:
    """Every step of the pack must have an office in this jurisdiction."""
    jurisdiction = case.facts.jurisdiction
    named = {office.step for office in jurisdiction.spec.offices} if jurisdiction else set()
    for rule in case.edition.steps[case.transition]:
        if rule.office == "jurisdiction" and rule.step not in named:
            yield Violation(
                "offices", "Jurisdiction.spec.offices", f"no office is named for step {rule.step!r} ({rule.en})",
                f"辖区没有为步骤 {rule.step}({rule.zh})指定单位", rule.source.cite(),
            )  # fmt: skip


def catalog_is_not_valid(case: Case) -> Iterator[Violation]:
    """A9: prices are those of the year's agreement."""
    catalog, today = case.facts.catalog, official_day(case.facts.now)
    if (
        case.transition in ("Provision", "Change", "MajorChange")
        and catalog
        and not catalog.spec.valid_from <= today <= catalog.spec.valid_until
    ):
        yield Violation(
            "catalog-validity", "CloudServiceCatalog.spec.validUntil",
            f"the catalog {catalog.name} is valid from {catalog.spec.valid_from} to {catalog.spec.valid_until}, not on {today}",
            f"服务目录 {catalog.name} 在 {today} 无效", "JJ 5", Reason.CATALOG_MISSING,
        )  # fmt: skip


def parameters_do_not_fit(case: Case) -> Iterator[Violation]:
    """What the kinds themselves find: an unknown offering, a machine that does not exist, a volume that would shrink."""
    for problem in case.problems:
        yield Violation("parameters", problem.field, problem.en, problem.zh)


def cloud_lacks_a_service(case: Case) -> Iterator[Violation]:
    """What the cloud does not offer is refused when planning, not when applying."""
    offered = case.facts.cloud_services
    if offered is None or case.transition not in ("Provision", "Change", "MajorChange"):
        return
    for index, service in enumerate(case.spec.services):
        if lacking := sorted(set(service.kind.needs) - offered):
            yield Violation(
                "cloud-services", f"spec.services[{index}]", f"{service.kind.name} needs {', '.join(lacking)}, which this cloud does not offer",
                f"本云平台不提供 {', '.join(lacking)},无法开通{service.kind.title}",
            )  # fmt: skip


CHECKS: Sequence[Check] = (
    namespace_belongs_to_another_unit,
    system_is_refused,
    materials_are_missing,
    superior_is_unknown,
    office_is_not_named,
    catalog_is_not_valid,
    parameters_do_not_fit,
    cloud_lacks_a_service,
)


def violations_of(case: Case) -> tuple[Violation, ...]:
    """Everything that is wrong, at once."""
    return tuple(violation for check in CHECKS for violation in check(case))
