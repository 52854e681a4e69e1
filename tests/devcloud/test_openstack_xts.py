"""Encrypting files as dm-crypt would: the published vectors, and nothing where nothing was written."""

from pathlib import Path

from devcloud.openstack.drivers import xts

KEY = bytes.fromhex("2718281828459045235360287471352631415926535897932384626433832795")
"""IEEE 1619-2007, vector 4: data units 0 of 512 bytes, 00 to ff twice."""
PLAIN = bytes(range(256)) * 2


def test_the_published_vector() -> None:
    cipher = xts.encrypted(PLAIN, KEY, 0)
    assert cipher[:16].hex() == "27a7479befa1d476489f308cd4cfa6e2"
    assert cipher[-16:].hex() == "0a282df920147beabe421ee5319d0568"


def test_each_sector_is_encrypted_under_its_own_number() -> None:
    both = xts.encrypted(PLAIN * 2, KEY, 7)
    assert both == xts.encrypted(PLAIN, KEY, 7) + xts.encrypted(PLAIN, KEY, 8)
    assert both[:512] != both[512:]


def test_what_was_never_written_stays_unwritten(tmp_path: Path) -> None:
    file, far = tmp_path / "volume", 8 << 20
    with file.open("wb") as target:
        target.write(PLAIN)
        target.seek(far)
        target.write(PLAIN)
        target.truncate(far + (1 << 20))
    xts.encrypt(file, KEY)
    data = file.read_bytes()
    assert len(data) == far + (1 << 20)
    assert data[:512] == xts.encrypted(PLAIN, KEY, 0)
    assert data[far : far + 512] == xts.encrypted(PLAIN, KEY, far // xts.SECTOR)
    assert not any(data[1 << 20 : 7 << 20])
    assert file.stat().st_blocks * 512 < 1 << 20
