"""Reading every byte of something in OpenStack and saying what they were: SHA-256 and how many. Nothing is written to disk."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import requests

CHUNK = 1 << 20
"""Bytes taken from the network at once: large enough that hashing, not Python, sets the pace, also with several readers."""


@dataclass(frozen=True)
class Reading:
    """What was read: SHA-256 as 64 hexadecimal digits, and the number of bytes."""

    sha256: str
    bytes: int


def chunks_of(response: requests.Response) -> Iterator[bytes]:
    """The bytes as they are stored: never decompressed, whatever the answer's Content-Encoding says."""
    yield from response.raw.stream(CHUNK, decode_content=False)


def read_all(response: requests.Response) -> Reading:
    """Read an answer to its end and close it. Call inside of `translated`: a connection that breaks off raises."""
    digest, count = hashlib.sha256(), 0
    with response:
        for chunk in chunks_of(response):
            digest.update(chunk)
            count += len(chunk)
    return Reading(digest.hexdigest(), count)
