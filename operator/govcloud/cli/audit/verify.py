"""`govcloud audit verify`: is the log whole, and is it the one that was signed?"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from govcloud.audit.incremental import BadState, verify_from
from govcloud.audit.layout import Layout
from govcloud.audit.notes import SignedCheckpoint
from govcloud.audit.verify import Report, verify
from govcloud.cli.audit.common import KeyOption, LogOption, ReportFormat, ReportFormatOption, read_key, wrong_usage
from govcloud.cli.audit.storage import (
    CloudOption,
    CopiesOption,
    CredentialsOption,
    NamespaceOption,
    ProjectOption,
    Published,
    PublishedOption,
    anchor_of,
    opened_storage,
    published_checkpoint,
)


def run(
    log: LogOption,
    key: KeyOption = None,
    from_checkpoint: Annotated[
        Path | None, typer.Option(help="A checkpoint kept elsewhere; the log must still contain what it signed.")
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(help="Go on from where this file says the last verification ended, and write it anew."),
    ] = None,
    format_: ReportFormatOption = ReportFormat.TABLE,
    published: PublishedOption = None,
    cloud: CloudOption = "govcloud",
    project: ProjectOption = "govcloud-backups",
    copies: CopiesOption = "",
    credentials: CredentialsOption = None,
    namespace: NamespaceOption = "govcloud-system",
) -> None:
    """Check that the log is whole and is the one that was signed.

    \b
    Examples:
      govcloud audit verify
      govcloud audit verify --key /safe/audit.pub --from-checkpoint /safe/checkpoint-2026-05
      govcloud audit verify --key /safe/audit.pub --state /safe/verified
      govcloud audit verify --key /safe/audit.pub --published cluster
      govcloud audit verify --format json | jq .first_bad

    The key, a checkpoint and the state should come from a place that those who can write the log cannot write. With a
    state, sealed segments that were right an earlier time are not read again: the hashes that were kept of them are held
    against what was signed, and a note says so.
    """
    public_key = read_key(key) if key else None

    def newest(where: Published) -> SignedCheckpoint:
        storage = opened_storage(cloud, project, "", copies, credentials)
        return published_checkpoint(where, public_key or read_key(Layout(log).public_key), namespace, storage)

    anchor = anchor_of(from_checkpoint, published, newest)
    try:
        report = verify_from(log, state, public_key, anchor) if state else verify(log, public_key, anchor)
    except (OSError, BadState) as error:
        wrong_usage(error)
    print_report(report, format_)
    raise typer.Exit(report.result.exit_code)


def print_report(report: Report, format_: ReportFormat) -> None:
    """The verdict, then what it rests on."""
    if format_ is ReportFormat.JSON:
        print(json.dumps(asdict(report), ensure_ascii=False, indent=2))
        return
    where = "" if report.first_bad is None else f" First bad record: {report.first_bad}."
    print(f"{report.result}: {report.what}.{where}")
    print(
        f"{report.records} records, {report.signed} of them signed by {report.checkpoints} checkpoints; "
        f"{report.open_intents} intents without an outcome"
    )
    print(f"root {report.root}")
    for remark in report.remarks:
        print(f"note: {remark}")
