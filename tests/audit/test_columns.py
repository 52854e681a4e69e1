"""What a spreadsheet opens, and what it must not run."""

import csv
import io

import pytest

from govcloud.cli.columns import Column, Sheet, harmless

SHEET = Sheet((Column[str]("word", "词", str),), chinese=True)


@pytest.mark.parametrize("beginning", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_no_cell_begins_like_a_formula(beginning: str) -> None:
    assert harmless(f"{beginning}cmd|' /c calc'!A1").startswith("'")
    assert harmless(f"1{beginning}") == f"1{beginning}"


@pytest.mark.parametrize(("bom", "first"), [(True, "\ufeff词"), (False, "词")])
def test_csv_begins_with_a_byte_order_mark_unless_somebody_does_not_want_it(
    bom: bool, first: str, capsys: pytest.CaptureFixture[str]
) -> None:
    SHEET.print_csv(["a,b", '"'], bom=bom)
    rows = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert rows == [[first], ["a,b"], ['"']]
