"""The rules, each a small function named after what is wrong. The list at the end is the specification."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain

from govcloud.core.application_checks import (
    adjustment_has_no_reason,
    budget_is_below_the_cost,
    budget_is_missing,
    declarations_do_not_hold,
    materials_are_missing,
)
from govcloud.core.calendar import months_after, official_day
from govcloud.core.case import LAID_OUT, Case, Check
from govcloud.core.money import MONEY_CHECKS
from govcloud.core.offices import decided_by_one_office, office_of
from govcloud.core.protection_checks import (
    data_is_not_backed_up,
    everybody_may_connect,
    network_is_shared,
    volumes_are_not_encrypted,
)
from govcloud.core.restoring import restore_is_refused
from govcloud.core.violations import Violation
from govcloud.core.waivers import waiver_is_missing, waiver_is_not_heard
from govcloud.reasons import Reason
from policies.steps import COMMITTING


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


def superior_is_unknown(case: Case) -> Iterator[Violation]:
    """L2: a secondary unit asks through its primary unit."""
    unit, rule = case.facts.unit, next((rule for rule in case.steps if rule.office == "superiorUnit"), None)
    if unit and rule and case.facts.superior is None:
        yield Violation(
            "superior", "UsingUnit.spec.superior",
            f"the secondary unit {unit.name} names no superior that exists ({unit.spec.superior or 'none given'})",
            f"二级预算单位 {unit.name} 没有有效的主管一级预算单位", rule.source.cite(),
        )  # fmt: skip


def office_is_not_named(case: Case) -> Iterator[Violation]:
    """Every step that is needed must have an office in this jurisdiction."""
    for rule in case.steps:
        if rule.office == "jurisdiction" and not office_of(case.facts, rule):
            yield Violation(
                "offices", "Jurisdiction.spec.offices", f"no office is named for step {rule.step!r} ({rule.en})",
                f"辖区没有为步骤 {rule.step}({rule.zh})指定单位", rule.source.cite(),
            )  # fmt: skip


def one_office_decides_what_two_should(case: Case) -> Iterator[Violation]:
    """A6: two reviews are two reviews only if two offices make them."""
    for rule, other in decided_by_one_office(case.steps, partial(office_of, case.facts)):
        office = office_of(case.facts, rule)
        yield Violation(
            "distinct-offices", "Jurisdiction.spec.offices", f"steps {other!r} and {rule.step!r} are both decided by {office}; name two offices",
            f"步骤 {other} 与 {rule.step} 不得由同一单位({office})办理", rule.source.cite(),
        )  # fmt: skip


def jurisdiction_loosens_its_pack(case: Case) -> Iterator[Violation]:
    """A jurisdiction may be stricter than its pack, never looser."""
    yield from case.facts.loosened


def no_platform_at_this_level(case: Case) -> Iterator[Violation]:
    """A8: in principle counties run no platform; their units are served by the city's or the province's."""
    rule, jurisdiction = case.edition.platforms, case.facts.jurisdiction
    if rule is None or jurisdiction is None or case.transition not in ("Provision", "MajorChange"):
        return
    level, levels = jurisdiction.spec.level, " or ".join(rule.levels)
    if level is None:
        yield Violation(
            "platforms", "Jurisdiction.spec.level", f"the level of {jurisdiction.name} is not said; a platform is run by a {levels}",
            f"辖区 {jurisdiction.name} 没有写明行政层级;云平台由 {levels} 建设", rule.source.cite(),
        )  # fmt: skip
    elif level not in rule.levels:
        yield Violation(
            "platforms", "UsingUnit.spec.jurisdiction",
            f"{jurisdiction.name} is a {level}, which in principle runs no platform; name the {levels} whose cloud serves the unit, and the county in "
            "UsingUnit.spec.county",
            f"{jurisdiction.name} 为 {level},原则上不再建设云平台;请改由 {levels} 的云平台提供服务,并在 county 中写明所属县", rule.source.cite(),
            strength=rule.strength,
        )  # fmt: skip


def asks_for_a_step_that_is_not_there(case: Case) -> Iterator[Violation]:
    """A wish for a review that the pack does not know is not passed over in silence."""
    rules = case.edition.steps[case.transition]
    if case.transition not in ("Provision", "MajorChange"):
        return
    if case.spec.expert_review and not any(rule.step == "expert-review" for rule in rules):
        yield Violation("steps", "spec.expertReview", "this regulation has no expert review; leave expertReview out", "本办法没有专家评审环节")


def extension_is_too_long(case: Case) -> Iterator[Violation]:
    """L7: a trial is extended as far as the pack allows; beyond that in principle only."""
    trial, asked = case.edition.trial, case.spec.trial.extension_days
    if case.transition not in ("Provision", "ExtendTrial"):
        return
    if trial is None:
        if case.transition == "ExtendTrial":
            yield Violation("no-trial", "spec.trial.extensionDays", "this regulation has no trial to extend", "本办法没有试用环节,不能延长")
    elif asked > trial.max_extension_days.value:
        most = trial.max_extension_days
        yield Violation(
            "extension", "spec.trial.extensionDays", f"{asked} days were asked for; at most {most.value} days of extension in all",
            f"申请延长 {asked} 天;延长试用累计不超过 {most.value} 天", most.source.cite(), strength=most.strength,
        )  # fmt: skip


def has_not_run_long_enough(case: Case) -> Iterator[Violation]:
    """L16: final acceptance only after so many months of stable running."""
    rule, progress = case.edition.acceptance, case.facts.progress
    if rule is None or case.transition != "Promote" or progress.trial is None:
        return
    months, since = rule.stable_running, progress.running_since or progress.trial.started_at
    over = months_after(since, months.value)
    if not progress.running or case.facts.now < over:
        found = f"it has run since {official_day(since)}" if progress.running else "it is stopped"
        found_zh = f"自 {official_day(since)} 起运行" if progress.running else "目前已停机"
        yield Violation(
            "stable-running", "spec.stage",
            f"it goes live after {months.value} months of stable running; {found}" + (f", so not before {official_day(over)}" if progress.running else ""),
            f"须连续稳定运行 {months.value} 个月后方可终验;{found_zh}", months.source.cite(), strength=months.strength,
        )  # fmt: skip


def catalog_is_not_valid(case: Case) -> Iterator[Violation]:
    """A9: prices are those of the year's agreement."""
    catalog, today = case.facts.catalog, official_day(case.facts.now)
    if (
        case.transition in LAID_OUT
        and catalog
        and not catalog.spec.valid_from <= today <= catalog.spec.valid_until
    ):
        yield Violation(
            "catalog-validity", "CloudServiceCatalog.spec.validUntil",
            f"the catalog {catalog.name} is valid from {catalog.spec.valid_from} to {catalog.spec.valid_until}, not on {today}",
            f"服务目录 {catalog.name} 在 {today} 无效", case.edition.prices.source.cite() if case.edition.prices else None, Reason.CATALOG_MISSING,
        )  # fmt: skip


def parameters_do_not_fit(case: Case) -> Iterator[Violation]:
    """What the kinds themselves find: an unknown offering, a machine that does not exist, a volume that would shrink."""
    for problem in case.problems:
        yield Violation("parameters", problem.field, problem.en, problem.zh)


def cloud_lacks_a_service(case: Case) -> Iterator[Violation]:
    """What the cloud does not offer is refused when planning, not when applying."""
    offered = case.facts.cloud_services
    if offered is None or case.transition not in LAID_OUT:
        return
    catalog = case.facts.catalog
    offerings = {offering.name: offering for offering in catalog.spec.offerings} if catalog else {}
    for index, service in enumerate(case.spec.services):
        if lacking := sorted(set(service.kind.needed(service.parameters, offerings)) - offered):
            yield Violation(
                "cloud-services", f"spec.services[{index}]", f"{service.kind.name} needs {', '.join(lacking)}, which this cloud does not offer",
                f"本云平台不提供 {', '.join(lacking)},无法开通{service.kind.title}",
            )  # fmt: skip


CHECKS: Sequence[Check] = (
    namespace_belongs_to_another_unit,
    system_is_refused,
    materials_are_missing,
    declarations_do_not_hold,
    adjustment_has_no_reason,
    budget_is_missing,
    budget_is_below_the_cost,
    superior_is_unknown,
    office_is_not_named,
    one_office_decides_what_two_should,
    jurisdiction_loosens_its_pack,
    no_platform_at_this_level,
    asks_for_a_step_that_is_not_there,
    extension_is_too_long,
    has_not_run_long_enough,
    catalog_is_not_valid,
    parameters_do_not_fit,
    volumes_are_not_encrypted,
    network_is_shared,
    everybody_may_connect,
    cloud_lacks_a_service,
    waiver_is_not_heard,
    waiver_is_missing,
    data_is_not_backed_up,
    restore_is_refused,
)


def violations_of(case: Case) -> tuple[Violation, ...]:
    """Everything that is wrong, and every departure from a rule in principle, at once."""
    checks = (*CHECKS, *MONEY_CHECKS) if case.transition in COMMITTING else CHECKS
    return tuple(chain.from_iterable(check(case) for check in checks))
