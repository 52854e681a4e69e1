"""For which parts a waiver is heard, and how it goes into a plan. Pure.

A part whose backup can be proven is never given up unproven: only one of which there can be none, one whose restored backup differs from its source, or
one whose backup failed in this very termination such that somebody has to change something.
"""

from __future__ import annotations

from collections.abc import Iterator

from govcloud.api.request import RequestSpec
from govcloud.api.waiver import Waiver, Waivers
from govcloud.core.case import Case
from govcloud.core.existing import Holding, data_that_exists
from govcloud.core.facts import Facts
from govcloud.core.plan import PlannedWaiver, WaiverGround
from govcloud.core.violations import Violation
from policies.steps import StepRule


def waivers_in(spec: RequestSpec) -> Waivers:
    """What the spec waives: nothing but at the end."""
    return spec.termination.waivers if spec.termination and spec.stage == "Terminated" else ()


def waives_what_failed(facts: Facts) -> bool:
    """Whether the unit waives other parts than the termination under way does, which cannot finish its backup. Nothing was destroyed by then."""
    operation, started = facts.progress.operation, facts.started
    if operation is None or started is None or facts.spec is None or "backup" in operation.done:
        return False
    if started.transition != "Terminate" or facts.spec.stage != "Terminated" or waivers_in(facts.spec) == waivers_in(started.wanted()):
        return False
    granted = {(waiver.part, waiver.source_id) for waiver in started.waivers}
    return any(_own_ground(facts, part) for part in data_that_exists(facts) if (part.name, part.source_id) not in granted)


def planned_waivers(case: Case) -> tuple[PlannedWaiver, ...]:
    """What the plan says of each part that it gives up; nothing that the checks have something against."""
    consent = unit_consent(case)
    parts = {part.name: part for part in data_that_exists(case.facts)}
    if case.transition != "Terminate" or consent is None:
        return ()
    asked = ((waiver, parts[waiver.part]) for waiver in waivers_in(case.spec) if waiver.part in parts)
    return tuple(_planned(waiver, part, ground, consent) for waiver, part in asked if (ground := ground_for(case.facts, part)))


def _planned(waiver: Waiver, part: Holding, ground: WaiverGround, consent: StepRule) -> PlannedWaiver:
    return PlannedWaiver(
        **waiver.model_dump(), service=part.service, source_id=part.source_id, ground=ground, consent=consent.step
    )


def unit_consent(case: Case) -> StepRule | None:
    """The step by which the using unit itself decides on the plan; the applicant never does (`SelfApproval`)."""
    return next((rule for rule in case.steps if rule.office == "unit"), None)


def ground_for(facts: Facts, part: Holding) -> WaiverGround | None:
    """Why a waiver of the part may be heard. What the termination under way was waived for stays a ground for the one in its place."""
    before = facts.started.waivers if facts.started else ()
    earlier = (waiver.ground for waiver in before if (waiver.part, waiver.source_id) == (part.name, part.source_id))
    return _own_ground(facts, part) or next(earlier, None)


def _own_ground(facts: Facts, part: Holding) -> WaiverGround | None:
    """That there can be no proven backup of the part, or how that of the termination under way failed."""
    if part.how == "NotBackedUp":
        return "NoBackupPossible"
    if facts.backup is None or facts.backup.spec.kind != "Termination" or part.as_part() not in facts.backup.spec.parts:
        return None
    status = next((status for status in facts.backup.status.parts if status.name == part.name), None)
    if status is None:
        return None
    if status.state == "Mismatch":
        return "BackupMismatch"
    return "BackupFailed" if status.failure is not None else None


def waiver_is_not_heard(case: Case) -> Iterator[Violation]:
    """S2: nobody gives data up that can be saved, and nobody but its owner gives any up."""
    waivers = waivers_in(case.spec) if case.transition == "Terminate" else ()
    if waivers and unit_consent(case) is None:
        yield _refused(
            "spec.termination.waivers",
            "this regulation pack asks for no consent of the unit to a termination; without one nothing is destroyed without a backup",
            "本规则包的终止环节没有使用单位授权；未经授权不得不经备份销毁",
        )
    parts = {part.name: part for part in data_that_exists(case.facts)}
    for index, waiver in enumerate(waivers):
        field = f"spec.termination.waivers[{index}].part"
        if (part := parts.get(waiver.part)) is None:
            listed = ", ".join(sorted(parts)) or "-"
            yield _refused(field, f"nothing that holds data is called {waiver.part}; there are {listed}", f"没有名为 {waiver.part} 的数据；现有：{listed}")
        elif ground_for(case.facts, part) is None:
            yield _refused(
                field,
                f"{waiver.part} can be backed up, so it is not destroyed without one; a waiver is heard once its backup failed in this termination",
                f"{waiver.part} 可以备份，不得不经备份销毁；仅当本次终止中其备份失败或比对不一致时方可豁免",
            )


def waiver_is_missing(case: Case) -> Iterator[Violation]:
    """What the platform cannot back up is destroyed by the unit's own word, or not at all."""
    named = {waiver.part for waiver in waivers_in(case.spec)}
    for part in data_that_exists(case.facts) if case.transition == "Terminate" else ():
        if part.how == "NotBackedUp" and part.name not in named:
            yield _refused(
                "spec.termination.waivers",
                f"{part.name} (service {part.service}) cannot be backed up by the platform; take its data over, and name it here with the unit's signed document",
                f"{part.name}（服务 {part.service}）无法由平台备份；请自行迁出数据，并在此写明该项及本单位已签署的文件",
            )


def _refused(field: str, en: str, zh: str) -> Violation:
    return Violation("waiver", field, en, zh, "JJ 19, JJ 25")
