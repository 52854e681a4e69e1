"""`govcloud plan`: what a manifest would lead to, by the controller's own checks, before anybody applies it."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from govcloud.cli.columns import Column, Sheet
from govcloud.cli.speech import LanguageOption, Output, OutputOption, chosen, tell
from govcloud.core.calendar import SHANGHAI
from govcloud.core.plan import Plan, PlannedChange, parse_plan, pinned_text
from govcloud.core.restore_words import restored
from govcloud.core.said import Language
from govcloud.core.sentences import cost, decision, departures, division, headline, quota
from govcloud.core.violations import Violation
from govcloud.core.waiver_words import not_saved, waived
from policies.shelf import PackFault, Shelf, with_more

if TYPE_CHECKING:
    from govcloud.forecast import Forecast, Outlook

VIOLATED, UNUSABLE = 1, 2


def run(
    files: Annotated[
        list[Path],
        typer.Option("-f", "--filename", help="File or folder with manifests, or - for standard input. May be given several times."),
    ],
    base: Annotated[
        list[Path] | None,
        typer.Option(help="The completed plan of a request, to plan a change of it: a ControllerRevision as JSON. May be given several times."),
    ] = None,
    jurisdiction: Annotated[
        str | None, typer.Option(help="Judge under this Jurisdiction of the manifests, whichever one the units name.")
    ] = None,
    packs: Annotated[Path | None, typer.Option(help="Folder with further regulation packs, beside those that ship.")] = None,
    day: Annotated[
        datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="The day on which it is judged. Default: today in China.")
    ] = None,
    output: OutputOption = Output.TABLE,
    lang: LanguageOption = None,
) -> None:
    """Say what a CloudServiceRequest would lead to, by the same checks as the
    controller's. Needs no cluster.

    The manifests hold the request, its Namespace, its UsingUnit (and the
    superior one), the Jurisdiction and the CloudServiceCatalog, and the
    AnnualPlan and ServiceAgreement that it names: budget, amount and prices are
    judged, and requests of one call follow one another in that. Every manifest
    of govcloud.dev is checked as the API server checks it, also where there is
    no request. Not judged is what only the cluster and the cloud know: how long
    something has run, requests that are not given, which services the cloud
    offers.

    \b
    Examples:
      govcloud plan -f examples/platform -f examples/requests/hospital-registration.yaml
      govcloud plan -f platform/ -f money/ -f requests/         # does the money last for all of them?
      govcloud plan -f platform/ -f bigger.yaml --base plan.json --date 2026-12-01
      kubectl get controllerrevision NAME -n NAMESPACE -o json > plan.json
      govcloud plan -f new-city/ --packs new-city/policies    # a regulation pack before it is installed
      govcloud plan -f . --output json | jq '.requests[].violations[].article'

    \b
    Exit codes:
      0  every request would be planned (or asks for nothing new)
      1  a rule refuses a request; all violations are shown
      2  an input cannot be used; it says which file, document and field
    """
    from govcloud.adapters.manifest_files import read_manifests
    from govcloud.forecast import Outlook, Question, outlook  # loads the Kubernetes client: not for --help

    read = read_manifests(files)
    bases = [_base(path) for path in base or ()]
    question = Question(_noon(day.date() if day else datetime.now(SHANGHAI).date()), bases, jurisdiction, _packs(packs))
    found = Outlook((), read.faults) if read.faults else outlook(read.documents, question)
    if output is Output.JSON:
        typer.echo(json.dumps(_as_json(found), ensure_ascii=False, indent=2))
    else:
        _tell(found, chosen(lang))
    if found.faults:
        raise typer.Exit(UNUSABLE)
    raise typer.Exit(VIOLATED if any(f.violations for f in found.forecasts) else 0)


def _noon(day: date) -> datetime:
    return datetime.combine(day, time(12), SHANGHAI).astimezone(UTC)


def _base(path: Path) -> Plan:
    try:
        return parse_plan(pinned_text(json.loads(path.read_text(encoding="utf-8"))))
    except OSError as error:
        _unusable(f"{path}: cannot be read: {error}")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        _unusable(f"{path}: is not the ControllerRevision of a plan as JSON: {' '.join(str(error).split())[:300]}")


def _packs(folder: Path | None) -> Shelf:
    try:
        return with_more(folder)
    except PackFault as error:
        _unusable(f"--packs: {error}")


def _unusable(sentence: str) -> NoReturn:
    typer.echo(sentence, err=True)
    raise typer.Exit(UNUSABLE)


# For programs


def _as_json(found: Outlook) -> dict[str, Any]:
    requests = [
        {
            "namespace": f.namespace,
            "name": f.name,
            "result": f.result,
            "plan": _plan_as_json(f.plan) if f.plan else None,
            "violations": [asdict(violation) for violation in f.violations],
        }
        for f in found.forecasts
    ]
    return {"requests": requests, "faults": [asdict(fault) for fault in found.faults]}


def _plan_as_json(plan: Plan) -> dict[str, Any]:
    """What of a plan does not depend on a cluster: neither digest nor uid."""
    shown = {"number", "transition", "stage", "unit", "applicant", "steps", "diff", "quota", "prices", "monthly_cost", "departures", "restore"}
    return plan.model_dump(mode="json", by_alias=True, include=shown)


# For people


def _tell(found: Outlook, language: Language) -> None:
    for fault in found.faults:
        typer.echo(fault.sentence(), err=True)
    if not found.forecasts and not found.faults:
        typer.echo("清单格式正确,其中没有云服务申请" if language == "zh" else "the manifests fit; there is no CloudServiceRequest among them")
    for place, forecast in enumerate(found.forecasts):
        if place:
            typer.echo("")
        _tell_forecast(forecast, language)


def _tell_forecast(forecast: Forecast, language: Language) -> None:
    if forecast.plan is not None:
        _tell_plan(forecast.plan, forecast.before, language)
    elif forecast.violations:
        _tell_violations(forecast, language)
    else:
        where = f"{forecast.namespace}/{forecast.name}"
        typer.echo(f"{where}:没有新的申请事项" if language == "zh" else f"{where} asks for nothing new")


def _tell_plan(plan: Plan, before: Plan | None, language: Language) -> None:
    chinese = language == "zh"
    typer.echo(headline(plan).within(language))
    if plan.diff:
        Sheet(_CHANGES, chinese).print_table(plan.diff)
    for said in (*restored(plan), cost(plan, before), *division(plan)):
        typer.echo(said.within(language))
    typer.echo(quota(plan).within(language))
    for unsaved in (*not_saved(plan), *waived(plan)):
        tell(unsaved, language)
    for departure in departures(plan):
        typer.echo(departure.within(language))
    typer.echo("审批环节(按顺序):" if chinese else "Approvals, in order:")
    for place, step in enumerate(plan.steps, start=1):
        typer.echo(f"  {place}. {decision(step).within(language)}")
    if not plan.steps:
        typer.echo("  无" if chinese else "  none")


def _tell_violations(forecast: Forecast, language: Language) -> None:
    where, count = f"{forecast.namespace}/{forecast.name}", len(forecast.violations)
    typer.echo(f"{where}:有 {count} 处不符合规定" if language == "zh" else f"{where} is refused for {count} reason{'s' * (count > 1)}:")
    said = Column[Violation]("what is wrong, and what would be right", "问题与要求", lambda v: v.zh if language == "zh" else v.en)
    Sheet((_FIELD, said, _ARTICLE), language == "zh").print_table(forecast.violations)


_CHANGES = (
    Column[PlannedChange]("operation", "操作", lambda c: c.operation),
    Column[PlannedChange]("service", "服务", lambda c: c.service),
    Column[PlannedChange]("resource", "资源", lambda c: c.resource),
    Column[PlannedChange]("type", "类型", lambda c: c.type),
    Column[PlannedChange]("fields", "字段", lambda c: ", ".join(c.fields)),
)
_FIELD = Column[Violation]("field", "字段", lambda v: v.field)
_ARTICLE = Column[Violation]("article", "条款", lambda v: v.article or "")

