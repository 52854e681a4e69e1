"""The example in docs/audit.md is what the writer really writes, and the formulas there lead to its hashes."""

import hashlib
import re
import zlib
from base64 import b64decode, b64encode
from pathlib import Path

import pytest
from audit.logs import KEY, QuickFiles, Time, intent, open_log, outcome
from audit.test_witness import AUDITOR, NOW

from govcloud.audit import verify_offline
from govcloud.audit.cosignatures import cosign, cosigned_at
from govcloud.audit.layout import Layout
from govcloud.audit.notes import parse
from govcloud.audit.verify import Result, verify

DOCUMENT = Path(__file__).parents[2] / "docs" / "audit.md"


class ExampleFiles(QuickFiles):
    def boot_id(self) -> str:
        return "7c9e6679-7425-40de-944b-e07fc1f90ae7"


def write_example(directory: Path, *, national: bool = False) -> None:
    """Two records by the key whose seed is 32 bytes of 0x07."""
    ids = iter(["0c4d5a7e-0001", "0c4d5a7e-0002"])
    log = open_log(directory, ExampleFiles(), Time(), new_id=lambda: next(ids), national=national)
    begun = log.append(intent("web-1"))
    log.append(outcome(begun.id, duration_ms=1_840))
    log.close()


def block(name: str) -> str:
    """The fenced block that follows the comment ``<!-- example: name -->``."""
    found = re.search(rf"<!-- example: {name} -->\n+```\w*\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert found, f"docs/audit.md shows no {name}"
    return found[1]


@pytest.fixture
def written(tmp_path: Path) -> Path:
    write_example(tmp_path)
    return tmp_path


def test_the_example_is_what_the_writer_writes(written: Path) -> None:
    layout = Layout(written)
    assert block("segment") == layout.segment(0).read_text(encoding="utf-8")
    assert block("checkpoint") + "\n" == layout.notes.read_text(encoding="utf-8")
    assert block("key") == layout.public_key.read_text(encoding="utf-8")


def test_the_longer_checkpoints_are_what_is_written_too(tmp_path: Path) -> None:
    write_example(tmp_path, national=True)
    assert block("checkpoint with sm3") + "\n" == Layout(tmp_path).notes.read_text(encoding="utf-8")
    plain = parse(block("checkpoint"))
    line = cosign(plain.checkpoint, AUDITOR, NOW)
    assert block("cosigned") == plain.text() + line.line()
    assert AUDITOR.public_key.text() in DOCUMENT.read_text(encoding="utf-8")
    assert cosigned_at(parse(block("cosigned")), AUDITOR.public_key) == NOW


def test_the_second_root_follows_from_the_text_alone() -> None:
    records = [line.split(" ", 2)[2].encode() for line in block("segment").splitlines()]
    first, second = (hashlib.new("sm3", b"\x00" + record).digest() for record in records)
    root = hashlib.new("sm3", b"\x01" + first + second).digest()
    assert block("checkpoint with sm3").splitlines()[3] == f"sm3 {b64encode(root).decode()}"


def test_the_example_follows_from_the_text_alone() -> None:
    leaves = []
    for line in block("segment").splitlines():
        length, checksum, record = line.split(" ", 2)
        assert int(length, 16) == len(record.encode())
        assert int(checksum, 16) == zlib.crc32(record.encode())
        leaves.append(hashlib.sha256(b"\x00" + record.encode()).digest())
    assert [leaf.hex() for leaf in leaves] == re.findall(
        r"^leaf [0-9] = ([0-9a-f]{64})$", block("hashes"), re.MULTILINE
    )
    root = hashlib.sha256(b"\x01" + leaves[0] + leaves[1]).digest()
    assert f"root   = {root.hex()}" in block("hashes")
    assert b64decode(block("checkpoint").splitlines()[2]) == root


def test_both_verifiers_accept_the_example_as_printed(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "audit")
    for path, text in (
        (layout.segment(0), block("segment")),
        (layout.notes, block("checkpoint") + "\n"),
        (layout.public_key, block("key")),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert verify(layout.directory, KEY).result is Result.OK
    assert verify_offline.main(["log", str(layout.directory), "--key", str(layout.public_key)]) == 0


def test_every_file_that_the_document_names_exists() -> None:
    names = set(re.findall(r"`((?:operator|tests|bench|docs)/[\w/.]+)`", DOCUMENT.read_text(encoding="utf-8")))
    assert names
    assert [name for name in names if not (DOCUMENT.parents[1] / name).exists()] == []
