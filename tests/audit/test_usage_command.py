"""`govcloud usage` as people and scripts use it."""

import csv
import io
import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from audit.logs import CONTROLLER, START, open_log
from typer.testing import CliRunner, Result

from govcloud.audit.records import Reason
from govcloud.audit.usage import Item, Rate, start_entry, stop_entry
from govcloud.cli import app

RUNNER = CliRunner()
MONTH = ("--from", "2026-06-01T00:00:00+08:00", "--to", "2026-07-01T00:00:00+08:00")


@pytest.fixture
def log(tmp_path: Path) -> str:
    log, why = open_log(tmp_path), Reason(plan_number=3)
    for unit, jurisdiction, request in (("jj-health", "jiujiang", "r-1"), ("zy-school", "zunyi", "r-2")):
        item = Item(request, unit, "web", "=vm.small", jurisdiction)
        log.append(start_entry(item, Rate(Decimal(2), "instance", Decimal("120.50")), START, initiator=CONTROLLER, reason=why))
    log.append(stop_entry(item, START + timedelta(days=2), initiator=CONTROLLER, reason=why))
    log.close()
    return str(tmp_path)


def run(log: str, *arguments: str) -> Result:
    return RUNNER.invoke(app, ["usage", "--log", log, *arguments])


def test_what_was_used_by_whom_at_which_price_under_which_plan(log: str) -> None:
    (line,) = run(log, "--format", "json", *MONTH).stdout.splitlines()
    assert json.loads(line) == {
        "jurisdiction": "jiujiang", "unit": "jj-health", "county": "", "request": "r-1", "service": "web", "offering": "=vm.small",
        "quantity": "2", "measure": "instance", "from": "2026-06-01T00:00:00+08:00", "to": "2026-07-01T00:00:00+08:00",
        "runs": "yes", "price": "120.50", "amount": "241.00", "currency": "CNY", "plan": "3", "record": "0",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("chosen", "units"),
    [
        ((), ["jj-health", "zy-school"]),
        (("--unit", "zy-school"), ["zy-school"]),
        (("--jurisdiction", "jiujiang"), ["jj-health"]),
        (("--request", "r-2"), ["zy-school"]),
        (("--from", "2026-05-04"), ["jj-health"]),
        (("--to", "2026-05-01"), []),
    ],
)
def test_the_ledger_of_a_unit_a_jurisdiction_a_request_or_a_time(log: str, chosen: tuple[str, ...], units: list[str]) -> None:
    lines = run(log, "--format", "json", *chosen).stdout.splitlines()
    assert [json.loads(line)["unit"] for line in lines] == units


def test_it_opens_in_a_spreadsheet_with_chinese_headings_and_runs_nothing(log: str) -> None:
    text = run(log, "--format", "csv", "--chinese", *MONTH).stdout
    assert text.startswith("\ufeff地区,使用单位")
    heading, row = csv.reader(io.StringIO(text.removeprefix("\ufeff")))
    assert row[heading.index("规格")] == "'=vm.small"
    assert row[heading.index("金额")] == "241.00"
    assert run(log, "--format", "csv", "--no-bom", *MONTH).stdout.startswith("jurisdiction,unit")


def test_the_table_ends_with_the_sum(log: str) -> None:
    result = run(log, *MONTH)
    assert result.stdout.splitlines()[0].startswith("jurisdiction\tunit")
    assert result.stderr == "1 charges, 241.00 together\n"


SUMS: dict[str, tuple[tuple[str, ...], list[tuple[str, str, str, str]]]] = {
    "of each payer": (("--by", "county"), [("", "", "2", "361.50"), ("修水县", "", "1", "120.50"), ("瑞昌市", "", "2", "482.00")]),
    "of each payer's units": (
        ("--by", "unit"),
        [("", "city-a", "1", "241.00"), ("", "city-b", "1", "120.50"), ("修水县", "c", "1", "120.50"), ("瑞昌市", "d", "2", "482.00")],
    ),
}


@pytest.mark.parametrize(("by", "sums"), SUMS.values(), ids=SUMS.keys())
def test_city_and_county_pay_for_their_own(tmp_path: Path, by: tuple[str, ...], sums: list[tuple[str, str, str, str]]) -> None:
    log = open_log(tmp_path)
    for unit, county, request, quantity in (("city-a", "", "1", 2), ("city-b", "", "2", 1), ("c", "修水县", "3", 1), ("d", "瑞昌市", "4", 2), ("d", "瑞昌市", "5", 2)):
        item = Item(request, unit, "web", "vm.small", "jiujiang", county)
        log.append(start_entry(item, Rate(Decimal(quantity), "instance", Decimal("120.50")), START, initiator=CONTROLLER, reason=Reason()))
    log.close()
    result = run(str(tmp_path), *MONTH, *by)
    (heading, *rows) = [line.split("\t") for line in result.stdout.splitlines()]

    assert heading == ["jurisdiction", "county", "unit", "charges", "amount", "currency"]
    assert [tuple(row[1:5]) for row in rows] == sums
    assert result.stderr == "5 charges, 964.00 together\n"
    said = [json.loads(line) for line in run(str(tmp_path), *MONTH, *by, "--format", "json").stdout.splitlines()]
    assert [(each["county"], each["unit"], each["charges"], each["amount"]) for each in said] == sums


def test_a_ledger_that_contradicts_itself_ends_with_1_and_wrong_usage_with_3(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.append(stop_entry(Item("r", "u", "s", "o"), START, initiator=CONTROLLER, reason=Reason()))
    log.close()
    assert run(str(tmp_path)).exit_code == 1
    assert run(str(tmp_path / "none")).exit_code == 3
    assert run(str(tmp_path), "--from", "yesterday").exit_code == 3


def test_it_teaches_by_example() -> None:
    assert "govcloud usage --unit jj-health" in RUNNER.invoke(app, ["usage", "--help"]).stdout
