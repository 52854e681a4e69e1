"""Rows for people and for spreadsheets: columns with a heading in two languages, as a table, as text for other programs, or as CSV."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from io import TextIOWrapper
from typing import Annotated, Generic, TypeVar

import typer
from rich.console import Console
from rich.table import Table

Row = TypeVar("Row")

ChineseOption = Annotated[bool, typer.Option("--chinese", help="Column headings in Chinese 中文表头.")]
BomOption = Annotated[
    bool,
    typer.Option("--bom/--no-bom", help="Begin CSV with a byte order mark, without which spreadsheets misread UTF-8."),
]

_BYTE_ORDER_MARK = "\ufeff"
_FORMULA_BEGINNINGS = tuple("=+-@\t\r\n＝＋－＠")
"""What a spreadsheet takes for the beginning of a formula; the wide forms where it is set to Chinese or Japanese."""


class Format(StrEnum):
    """How rows are printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


@dataclass(frozen=True)
class Column(Generic[Row]):
    """One column: its headings, and what a row has in it."""

    english: str
    chinese: str
    value: Callable[[Row], str]


@dataclass(frozen=True)
class Sheet(Generic[Row]):
    """Columns, and in which language their headings are."""

    columns: Sequence[Column[Row]]
    chinese: bool = False

    @property
    def headings(self) -> list[str]:
        return [column.chinese if self.chinese else column.english for column in self.columns]

    def cells(self, row: Row) -> list[str]:
        """The row as text, one cell a column."""
        return [column.value(row) for column in self.columns]

    def print_csv(self, rows: Iterable[Row], *, bom: bool = True) -> None:
        """RFC 4180 in UTF-8, whatever the locale is, in which no cell runs anything when a spreadsheet opens it."""
        if isinstance(sys.stdout, TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8")
        if bom:
            sys.stdout.write(_BYTE_ORDER_MARK)
        writer = csv.writer(sys.stdout)
        writer.writerow(self.headings)
        writer.writerows([harmless(cell) for cell in self.cells(row)] for row in rows)

    def print_table(self, rows: Iterable[Row], *, live: bool = False) -> None:
        """Aligned on a terminal; for other programs, and for rows that are still coming, one line a row with tabs between the cells."""
        if sys.stdout.isatty() and not live:
            self._print_aligned(rows)
        else:
            self._print_plain(rows)

    def _print_aligned(self, rows: Iterable[Row]) -> None:
        table = Table(*self.headings, box=None, pad_edge=False, header_style="bold")
        for row in rows:
            table.add_row(*self.cells(row))
        Console(markup=False, highlight=False).print(table)

    def _print_plain(self, rows: Iterable[Row]) -> None:
        print("\t".join(self.headings))
        for row in rows:
            print("\t".join(self.cells(row)), flush=True)


def harmless(cell: str) -> str:
    """The cell as text: an apostrophe goes before what a spreadsheet would take for a formula, and run."""
    return "'" + cell if cell.startswith(_FORMULA_BEGINNINGS) else cell
