"""`govcloud audit reconcile`: the log against the API server's own audit log, and against what OpenStack lists."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from govcloud.audit.errors import AuditDamaged
from govcloud.audit.query import search
from govcloud.cli.audit.common import LogOption, fail, moment, remember_read, wrong_usage
from govcloud.cli.columns import BomOption, ChineseOption, Column, Format, Sheet
from govcloud.failures import Retry, Stop

if TYPE_CHECKING:
    from govcloud.core.witnessed import Difference, Marked, Verdict

DIFFERENCES = 1
UNUSABLE = 2
UNREACHABLE = 5


def run(
    log: LogOption,
    kubernetes_log: Annotated[
        Path, typer.Option("--kubernetes-log", help="The API server's audit log (JSON lines); rotated and .gz ones beside it are read too.")
    ],
    cloud: Annotated[str, typer.Option(help="Entry of clouds.yaml: also look at what OpenStack lists.")] = "",
    since: Annotated[str, typer.Option(help="Show only differences from then on, such as 2026-05-01 or 7d.")] = "",
    grace: Annotated[int, typer.Option(min=0, help="Seconds that the controller may take to see a decision.")] = 60,
    format_: Annotated[Format, typer.Option("--format", help="table, json (one difference a line) or csv.")] = Format.TABLE,
    chinese: ChineseOption = False,
    bom: BomOption = True,
) -> None:
    """Find what happened without a record, and what was recorded and did not happen.

    \b
    Examples:
      govcloud audit reconcile --kubernetes-log /var/log/kubernetes/audit.log
      govcloud audit reconcile --kubernetes-log audit.log --cloud govcloud --format csv --chinese > differences.csv

    Compared are writes of the controller's identity; decisions, and rights to decide, and whether they were seen (also a right that was
    granted for a moment only); writes of others to what only the controller writes, statuses among it; recorded successes; with --cloud,
    also objects that carry our marks. Exit codes: 0 none, 1 differences, 2 a log that cannot be used, 3 wrong usage, 5 OpenStack does not
    answer. Run `verify` first: this believes the log.
    """
    from govcloud.adapters.kube_audit_log import UnreadableLog, acts_in
    from govcloud.core.second_witness import compare

    remember_read(log, "reconcile")
    try:
        # The log comes last: the controller goes on meanwhile, and what it did has its intent there before anybody could see it.
        acts, marked = acts_in(kubernetes_log), tuple(_marked(log, cloud)) if cloud else ()
        verdict = compare(search(log), acts, marked, timedelta(seconds=grace))
    except OSError as error:
        wrong_usage(error)
    except (AuditDamaged, UnreadableLog, UnicodeDecodeError) as error:
        fail(error, UNUSABLE)
    except (Retry, Stop) as error:
        fail(error, UNREACHABLE)
    if verdict.span is None:
        fail(ValueError(f"{kubernetes_log} holds nothing that was carried out"), UNUSABLE)
    shown = _from(moment(since, datetime.now(UTC)), verdict)
    _show(shown, format_, chinese=chinese, bom=bom)
    raise typer.Exit(DIFFERENCES if shown.differences else 0)


def _from(since: datetime | None, verdict: Verdict) -> Verdict:
    later = (each for each in verdict.differences if since is None or each.at is None or each.at >= since)
    return replace(verdict, differences=tuple(later))


def _marked(log: Path, cloud: str) -> Iterator[Marked]:
    """Of every project that the log ever wrote to."""
    from govcloud.adapters.openstack_cloud import OpenStackCloud  # loads the OpenStack client
    from govcloud.adapters.openstack_login import CloudLogins
    from govcloud.adapters.reading_journal import ReadingJournal

    projects = {record.target.project for record in search(log)} - {""}
    openstack = OpenStackCloud(CloudLogins(cloud, ReadingJournal()))
    return (each for project in sorted(projects) for each in openstack.marked_in(project))


def _show(verdict: Verdict, format_: Format, *, chinese: bool, bom: bool) -> None:
    sheet = Sheet(_COLUMNS, chinese)
    if format_ is Format.JSON:
        for each in verdict.differences:
            print(json.dumps({**asdict(each), "at": each.at.isoformat() if each.at else None}, ensure_ascii=False))
    elif format_ is Format.CSV:
        sheet.print_csv(verdict.differences, bom=bom)
    elif verdict.differences:
        sheet.print_table(verdict.differences)
    first, last = verdict.span or (None, None)
    told = f"{verdict.writes} writes of the API server and {verdict.effects} recorded effects compared"
    print(f"{len(verdict.differences)} differences; {told}, from {first} to {last}", file=sys.stderr)


_COLUMNS: tuple[Column[Difference], ...] = (
    Column("kind", "类别", lambda d: d.kind),
    Column("time", "时间", lambda d: d.at.astimezone().isoformat(timespec="seconds") if d.at else ""),
    Column("who", "操作人", lambda d: d.who),
    Column("what", "情况", lambda d: d.what),
    Column("source", "来源", lambda d: d.source),
)
