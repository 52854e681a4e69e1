"""The tree by SM3 beside the one by SHA-256: the same records, the same construction, signed together (S7)."""

import json
from pathlib import Path

import pytest
from audit.logs import KEY, SIGNER, QuickFiles, event, fill, open_log
from audit.test_rotation import newest
from audit.trees import tree_over
from audit.verdicts import agreed

from govcloud.audit.errors import AuditDamaged, AuditUnavailable
from govcloud.audit.layout import Layout
from govcloud.audit.merkle import leaf_hash, sm3
from govcloud.audit.notes import BadNote, Checkpoint, parse, sign
from govcloud.audit.query import search
from govcloud.audit.verify import Result


def test_sm3_is_the_published_function() -> None:
    assert sm3(b"abc").hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"  # GB/T 32905-2016, A.1


def test_both_roots_are_signed_and_follow_from_the_records(tmp_path: Path) -> None:
    audit = tmp_path / "audit"
    fill(audit, 13, national=True, segment_bytes=3_000)
    checkpoint = newest(audit).checkpoint
    payloads = [record.stored() for record in search(audit)]
    assert checkpoint.root == tree_over(leaf_hash(one) for one in payloads).root()
    assert checkpoint.sm3_root == tree_over((leaf_hash(one, sm3) for one in payloads), sm3).root()
    assert newest(audit).text().splitlines()[3].startswith("sm3 ")
    assert agreed(audit, KEY).result is Result.OK


def test_a_second_tree_may_begin_later_and_goes_on_by_itself(tmp_path: Path) -> None:
    audit = tmp_path / "audit"
    for settings in ({}, {"national": True}, {}):
        fill(audit, 9, segment_bytes=2_000, **settings)
    assert newest(audit).checkpoint.sm3_root is not None
    stems = {path.stem for path in Layout(audit).hashes.glob("*.sha256")}
    assert stems == {path.stem for path in Layout(audit).hashes.glob("*.sm3")} != set()
    assert agreed(audit, KEY).result is Result.OK


@pytest.mark.parametrize("line", ["sm4 AAAA", "sm3 AAAA", "sm3", ""])
def test_no_other_extension_is_read(tmp_path: Path, line: str) -> None:
    fill(tmp_path, 5, national=True)
    lines = newest(tmp_path).text().splitlines()
    with pytest.raises(BadNote):
        parse("\n".join([*lines[:3], line, *lines[4:]]) + "\n")


def test_a_wrong_second_root_is_found_by_both_verifiers_and_the_writer(tmp_path: Path) -> None:
    audit = tmp_path / "audit"
    fill(audit, 5, national=True)
    right = newest(audit).checkpoint
    wrong = sign(Checkpoint(right.origin, right.size, right.root, bytes(32)), SIGNER)
    Layout(audit).notes.write_text(wrong.text() + "\n")
    assert agreed(audit, KEY).result is Result.TAMPERED
    with pytest.raises(AuditDamaged, match="not the one that was signed"):
        open_log(audit)


def test_a_kept_checkpoint_with_another_second_root_is_held_against_the_log(tmp_path: Path) -> None:
    audit = tmp_path / "audit"
    fill(audit, 5, national=True)
    right = newest(audit).checkpoint
    assert agreed(audit, KEY, sign(right, SIGNER)).result is Result.OK
    wrong = sign(Checkpoint(right.origin, right.size, right.root, bytes(32)), SIGNER)
    report = agreed(audit, KEY, wrong)
    assert (report.result, report.first_bad) == (Result.TAMPERED, 0)
    assert report.what == "One of the records 0 to 4 is not the one that was signed"


def test_where_records_are_gone_without_their_sm3_hashes_no_second_tree_can_begin(tmp_path: Path) -> None:
    audit = tmp_path / "audit"
    fill(audit, 9, segment_bytes=2_000)
    Layout(audit).segment(0).unlink()
    with pytest.raises(AuditUnavailable, match="Unset GOVCLOUD_AUDIT_SM3"):
        open_log(audit, national=True)
    open_log(audit).close()


def test_kept_sm3_hashes_continue_the_second_tree_over_removed_records(tmp_path: Path) -> None:
    audit = tmp_path / "audit"
    fill(audit, 9, segment_bytes=2_000, national=True)
    Layout(audit).segment(0).unlink()
    log = open_log(audit, national=True)
    log.append(event())
    log.close()
    report = agreed(audit, KEY)
    assert report.result is Result.INCOMPLETE, "the removal was not announced, but the trees fit"
    assert (report.first_bad, report.signed) == (0, 10)
    next(Layout(audit).hashes.glob("*.sm3")).unlink()
    assert any("by SM3 was not checked" in remark for remark in agreed(audit, KEY).remarks)


def test_the_checkpoint_survives_a_crash_in_its_longer_form_too(tmp_path: Path) -> None:
    audit = tmp_path / "audit"
    fill(audit, 3, national=True)
    whole = Layout(audit).notes.read_bytes()
    log = open_log(audit, national=True)
    log.append(event())
    log.close()
    longer = Layout(audit).notes.read_bytes()
    for end in range(len(whole), len(longer), 7):
        Layout(audit).notes.write_bytes(longer[:end])
        report = agreed(audit, KEY)
        assert report.result is Result.OK, (end, json.dumps(longer[:end].decode(errors="replace")))
        assert report.signed == 3
    Layout(audit).notes.write_bytes(longer[: len(whole) + 60])
    open_log(audit, QuickFiles(), national=True).close()
    assert agreed(audit, KEY).signed == 4
