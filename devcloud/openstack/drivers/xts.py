"""AES-XTS as dm-crypt does it with the cipher `aes-xts-plain64`: sectors of 512 bytes, each under its own number, no header.

(Linux, Documentation/admin-guide/device-mapper/dm-crypt.rst.)
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

SECTOR = 512
_PIECE = 1 << 20


def encrypt(path: Path, key: bytes) -> None:
    """Encrypts a file in place, a multiple of 512 bytes long. What was never written stays unwritten, as on a new device."""
    with path.open("r+b") as file:
        for start, end in _written(file.fileno()):
            for position in range(start, end, _PIECE):
                plain = os.pread(file.fileno(), min(_PIECE, end - position), position)
                os.pwrite(file.fileno(), encrypted(plain, key, position // SECTOR), position)


def encrypted(plain: bytes, key: bytes, first_sector: int) -> bytes:
    """Sectors that follow each other, encrypted; `key` is both halves of XTS's key."""
    sectors = (plain[start : start + SECTOR] for start in range(0, len(plain), SECTOR))
    return b"".join(_sector(sector, key, first_sector + number) for number, sector in enumerate(sectors))


def _sector(plain: bytes, key: bytes, number: int) -> bytes:
    encryptor = Cipher(algorithms.AES(key), modes.XTS(number.to_bytes(16, "little"))).encryptor()
    return encryptor.update(plain) + encryptor.finalize()


def _written(file: int) -> Iterator[tuple[int, int]]:
    """Where runs of written bytes start and end, in whole sectors."""
    end = 0
    size = os.fstat(file).st_size
    while end < size:
        try:
            start = os.lseek(file, end, os.SEEK_DATA)
        except OSError:  # nothing is written from here on
            return
        end = -(-os.lseek(file, start, os.SEEK_HOLE) // SECTOR) * SECTOR
        yield start // SECTOR * SECTOR, end
