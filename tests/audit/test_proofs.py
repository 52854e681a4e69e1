"""A unit can check its own records without seeing anybody else's."""

import json
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from audit.logs import KEY, SIGNER, event, fill, intent, open_log
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from govcloud.audit import verify_offline
from govcloud.audit.errors import AuditDamaged, KeyUnknown
from govcloud.audit.layout import Layout
from govcloud.audit.notes import Ed25519Signer
from govcloud.audit.proofs import NotProven, at, check, export, newest_checkpoint, of_unit
from govcloud.audit.records import Record


@pytest.fixture
def log(tmp_path: Path) -> Path:
    directory = tmp_path / "audit"
    writer = open_log(directory, segment_bytes=2_000)
    for number in range(21):
        writer.append(event(unit="jj-health" if number % 3 else "jj-schools", message=f"no {number}"))
    writer.close()
    return directory


def offline(lines: list[str], tmp_path: Path) -> int:
    (tmp_path / "bundle").write_text("".join(line + "\n" for line in lines))
    (tmp_path / "key").write_text(KEY.text())
    return verify_offline.main(["bundle", str(tmp_path / "bundle"), "--key", str(tmp_path / "key")])


def test_every_record_can_be_proven(log: Path, tmp_path: Path) -> None:
    for number in range(21):
        lines = list(export(log, at(number)))
        (payload,) = check(lines, KEY).records
        assert Record.model_validate_json(payload).message == f"no {number}"
        assert offline(lines, tmp_path) == 0


def test_a_units_bundle_holds_its_records_and_no_others(log: Path, tmp_path: Path) -> None:
    lines = list(export(log, of_unit("jj-health")))
    bundle = check(lines, KEY)
    records = [Record.model_validate_json(payload) for payload in bundle.records]
    assert [r.message for r in records] == [f"no {n}" for n in range(21) if n % 3]
    assert "jj-schools" not in "".join(lines)
    assert bundle.checkpoint == newest_checkpoint(log)
    assert offline(lines, tmp_path) == 0


def test_nothing_to_prove_is_an_empty_bundle(log: Path) -> None:
    assert check(export(log, of_unit("nobody")), KEY).records == ()


def _line(number: int, change: Callable[[dict[str, object]], object]) -> Callable[[list[str]], list[str]]:
    def apply(lines: list[str]) -> list[str]:
        item = json.loads(lines[number])
        change(item)
        return [*lines[:number], json.dumps(item), *lines[number + 1 :]]

    return apply


_header, _first_record = partial(_line, 0), partial(_line, 1)


@pytest.mark.parametrize(
    "change",
    [
        _first_record(lambda item: item.update(record=str(item["record"]).replace("no 1", "no 9"))),
        _first_record(lambda item: item.update(index=2)),
        _first_record(lambda item: item.update(index=99)),
        _first_record(lambda item: item.update(index="x")),
        _first_record(lambda item: item.update(proof=[])),
        _first_record(lambda item: item.update(proof=["AAAA", *item["proof"]])),  # type: ignore[misc]
        _first_record(lambda item: item.pop("proof")),
        _header(lambda header: header.update(records="x")),
        _header(lambda header: header.update(checkpoint=7)),
        _header(lambda header: header.pop("format")),
        lambda lines: ["[" * 9_000, *lines[1:]],
        lambda lines: [*lines[:-1], "[" * 9_000],
        lambda lines: lines[:-1],
        lambda lines: lines[1:],
        lambda lines: [],
        lambda lines: [lines[0].replace("export/1", "export/2"), *lines[1:]],
        lambda lines: [lines[0].replace("\\n21\\n", "\\n20\\n"), *lines[1:]],
        lambda lines: [*lines, "[]"],
    ],
)
def test_a_changed_bundle_proves_nothing(log: Path, tmp_path: Path, change: Callable[[list[str]], list[str]]) -> None:
    lines = change(list(export(log, of_unit("jj-health"))))
    with pytest.raises(NotProven):
        check(lines, KEY)
    assert offline(lines, tmp_path) != 0


def test_another_logs_key_cannot_judge_a_bundle(log: Path) -> None:
    other = Ed25519Signer("other", Ed25519PrivateKey.from_private_bytes(b"\x02" * 32)).public_key
    with pytest.raises(KeyUnknown):
        check(export(log, at(0)), other)


def test_only_what_is_signed_can_be_proven(tmp_path: Path) -> None:
    writer = open_log(tmp_path)
    writer.append(intent())
    with pytest.raises(FileNotFoundError, match=rf"^Nothing in {tmp_path} is signed yet; it will be within a minute$"):
        list(export(tmp_path, at(0)))
    writer.close()
    assert len(list(export(tmp_path, at(0)))) == 2
    with pytest.raises(FileNotFoundError, match=rf"^There is no signed audit log in {tmp_path}/nothing$"):
        newest_checkpoint(tmp_path / "nothing")


def test_what_came_after_the_newest_checkpoint_is_not_in_the_bundle(tmp_path: Path) -> None:
    writer = open_log(tmp_path)
    writer.append_many([event(message="signed"), event(message="signed too")])
    writer.sign()
    writer.append(event(message="not yet"))
    records = check(export(tmp_path, of_unit("jj-health")), KEY).records
    assert [Record.model_validate_json(record).message for record in records] == ["signed", "signed too"]
    assert check(export(tmp_path, at(2)), KEY).records == ()
    writer.close()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda lines: lines[:-1], "The bundle announces 14 records and holds 13"),
        (lambda lines: [lines[0].replace("export/1", "export/2"), *lines[1:]], "The first line does not say govcloud-audit-export/1"),
        (lambda _: [], "The first line is not the header of a bundle: Expecting value: line 1 column 1 (char 0)"),
        (lambda lines: [*lines, "[]"], "A line is not a record with its proof: list indices must be integers or slices, not str"),
        (lambda lines: [*lines, lines[1].replace("no 1", "no 7")], "Record 1 is not in the signed log"),
        (lambda lines: [lines[0].replace("\\n21\\n", "\\n20\\n"), *lines[1:]], "The signature of the checkpoint is wrong"),
    ],
)
def test_what_a_bundle_does_not_prove_is_said(log: Path, change: Callable[[list[str]], list[str]], why: str) -> None:
    with pytest.raises(NotProven) as refused:
        check(change(list(export(log, of_unit("jj-health")))), KEY)
    assert str(refused.value) == why


def test_a_damaged_log_proves_nothing(tmp_path: Path) -> None:
    fill(tmp_path, 6)
    path = Layout(tmp_path).segment(0)
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"web-1", b"web-9"))
    with pytest.raises(AuditDamaged, match=r"^The audit log is damaged: record 1 .*\. Run: govcloud audit verify$") as damaged:
        list(export(tmp_path, at(0)))
    assert damaged.value.index == 1
    path.write_bytes(b"".join(whole.splitlines(keepends=True)[:-1]))
    with pytest.raises(AuditDamaged, match=r"^The log is not the one that was signed\. Run: govcloud audit verify$") as damaged:
        list(export(tmp_path, at(0)))
    assert damaged.value.index == 0
    assert SIGNER.public_key == KEY


def test_what_is_exported_is_never_held_as_a_whole(tmp_path: Path) -> None:
    writer = open_log(tmp_path)
    for _ in range(10):
        writer.append_many([event(attributes={f"a{number}": "x" * 256 for number in range(24)})] * 30)
    writer.close()
    tracemalloc.start()
    count = sum(1 for _ in export(tmp_path, of_unit("jj-health")))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 301
    assert peak < stored_bytes(tmp_path) / 4


def stored_bytes(directory: Path) -> int:
    return sum(path.stat().st_size for path in Layout(directory).segments.iterdir())
