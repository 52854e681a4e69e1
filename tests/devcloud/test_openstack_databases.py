"""The bytes that a database leaves on its volume: whole, recognisable, and refused when they are not."""

import hashlib
import os
from pathlib import Path

import pytest

from devcloud.openstack import databases
from devcloud.openstack.database_volumes import HEADER_BYTES, VolumeUnusable, check, holds_database, pack, unpack
from devcloud.openstack.databases import Database
from devcloud.openstack.layout import Layout

VOLUME_SIZE = 8 << 20


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Something that looks like a data directory: nested, with an empty directory and a private file."""
    root = tmp_path / "data"
    (root / "base" / "1").mkdir(parents=True)
    (root / "pg_notify").mkdir()
    (root / "PG_VERSION").write_text("15\n")
    (root / "base" / "1" / "1259").write_bytes(os.urandom(300_000))
    (root / "base" / "1" / "1259").chmod(0o600)
    return root


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    path = tmp_path / "volume"
    with path.open("wb") as file:
        file.truncate(VOLUME_SIZE)
    return path


def content(root: Path) -> dict[str, bytes | None]:
    return {str(path.relative_to(root)): path.read_bytes() if path.is_file() else None for path in root.rglob("*")}


def test_a_data_directory_comes_back_from_the_volume_as_it_was(data: Path, volume: Path, tmp_path: Path) -> None:
    pack(data, volume)
    unpack(volume, tmp_path / "again")
    assert content(tmp_path / "again") == content(data)
    assert (tmp_path / "again" / "base" / "1" / "1259").stat().st_mode & 0o777 == 0o600


def test_a_volume_keeps_its_size(data: Path, volume: Path) -> None:
    pack(data, volume)
    assert volume.stat().st_size == VOLUME_SIZE


def test_a_copy_of_the_volume_is_a_copy_of_the_database(data: Path, volume: Path, tmp_path: Path) -> None:
    pack(data, volume)
    (tmp_path / "copy").write_bytes(volume.read_bytes())
    unpack(tmp_path / "copy", tmp_path / "again")
    assert content(tmp_path / "again") == content(data)


def test_a_shorter_database_leaves_nothing_of_a_longer_one(data: Path, volume: Path) -> None:
    pack(data, volume)
    before = (data / "base" / "1" / "1259").read_bytes()
    (data / "base" / "1" / "1259").write_bytes(b"short")
    pack(data, volume)
    assert before[-4096:] not in volume.read_bytes()
    check(volume)


def test_an_empty_volume_holds_no_database(volume: Path, tmp_path: Path) -> None:
    assert not holds_database(volume)
    with pytest.raises(VolumeUnusable, match="holds no database"):
        unpack(volume, tmp_path / "again")
    assert not (tmp_path / "again").exists()


@pytest.mark.parametrize("where", [HEADER_BYTES, HEADER_BYTES + 5000, HEADER_BYTES + 200_000])
def test_a_flipped_byte_is_noticed(data: Path, volume: Path, tmp_path: Path, where: int) -> None:
    pack(data, volume)
    with volume.open("r+b") as file:
        file.seek(where)
        byte = file.read(1)[0]
        file.seek(where)
        file.write(bytes([byte ^ 1]))
    with pytest.raises(VolumeUnusable, match="damaged"):
        unpack(volume, tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_a_volume_that_is_too_small_stays_as_it_is(data: Path, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.write_bytes(bytes(100_000))
    before = hashlib.sha256(small.read_bytes()).digest()
    with pytest.raises(VolumeUnusable, match="make the volume larger"):
        pack(data, small)
    assert hashlib.sha256(small.read_bytes()).digest() == before


def test_each_database_gets_an_address_of_its_own() -> None:
    addresses = {databases.free_address() for _ in range(20)}
    assert len(addresses) == 20
    assert all(host.startswith("127.") for host, _port in addresses)


def test_clients_find_a_database_by_its_instance(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.make()
    database = databases.new(layout, "an-instance", "secret")
    assert databases.load(layout, "an-instance") is None, "nothing is told before the server is made"
    assert database.endpoint.instance == "an-instance"
    assert not database.answers()


def test_a_database_that_is_not_there_can_be_stopped_and_removed(tmp_path: Path, volume: Path) -> None:
    layout = Layout(tmp_path)
    layout.make()
    database = Database(
        layout, databases.Endpoint("an-instance", "127.1.1.1", 5432, running=True, superuser_password="x")
    )
    database.stop(volume)
    assert not holds_database(volume)
    found = databases.load(layout, "an-instance")
    assert found is not None
    assert not found.endpoint.running
    found.remove()
    assert databases.load(layout, "an-instance") is None


def test_a_database_is_not_at_rest_while_its_data_is_moved(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.make()
    database = databases.new(layout, "i", "secret")
    assert database.is_at_rest()
    (layout.trove / "i").mkdir()
    assert database.is_at_rest()
    with database._alone():
        assert not database.is_at_rest()
    assert database.is_at_rest()
