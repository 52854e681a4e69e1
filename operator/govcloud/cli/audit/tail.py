"""`govcloud audit tail`: the last records, and those to come."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from govcloud.audit.query import following, recent
from govcloud.audit.records import Record
from govcloud.cli.audit.common import LogOption, remember_read
from govcloud.cli.audit.listing import FormatOption, show
from govcloud.cli.columns import ChineseOption, Format


def run(
    log: LogOption,
    lines: Annotated[int, typer.Option("-n", "--lines", min=1, help="How many records.")] = 20,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on with new ones until interrupted.")] = False,
    format_: FormatOption = Format.TABLE,
    chinese: ChineseOption = False,
) -> None:
    """Show the last records.

    \b
    Examples:
      govcloud audit tail
      govcloud audit tail -n 5 --follow --format json
    """
    remember_read(log, "tail")
    show(lambda: _growing(log, lines) if follow else recent(log, lines), format_, chinese=chinese, live=follow)


def _growing(log: Path, count: int) -> Iterator[Record]:
    records = recent(log, count)
    following_ = 0
    while True:
        for record in records:
            yield record
            following_ = record.sequence + 1
        time.sleep(0.5)
        records = following(log, following_)
