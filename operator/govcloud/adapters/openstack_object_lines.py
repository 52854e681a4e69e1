"""What a container holds, as text that two people can compare: one line an object, sorted, and the digest of the lines. Pure.

A line is the canonical JSON (RFC 8785) of `[name, size, sha256]`, ended by a newline. JSON escapes newlines and quotes, so no
name can look like two lines or like another name. The digest of a container is the SHA-256 of the lines as UTF-8; whoever
has the lines as a file can check it with `sha256sum`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import rfc8785


@dataclass(frozen=True, order=True)
class Line:
    """One object: its name, how many bytes were read of it (below 2**53), and their SHA-256 as hexadecimal digits."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Listed:
    """One object as Swift lists it. `etag` is an MD5 for ordinary objects, and something else for large ones."""

    name: str
    size: int
    etag: str


def text_of(lines: Iterable[Line]) -> bytes:
    """The lines as they are stored and digested. Their order does not matter: they are sorted by the names' UTF-8 bytes.

    Raises:
        ValueError: a name occurs twice.
    """
    by_name: dict[bytes, Line] = {}
    for line in lines:
        if by_name.setdefault(line.name.encode(), line) is not line:
            raise ValueError(f"object {line.name!r} occurs twice")
    return b"".join(rfc8785.dumps([line.name, line.size, line.sha256]) + b"\n" for _, line in sorted(by_name.items()))


def listing_digest(listed: Iterable[Listed]) -> str:
    """SHA-256 of a listing (names, sizes, etags): two listings with one digest list the same."""
    rows = sorted((each.name.encode(), each) for each in listed)
    text = b"".join(rfc8785.dumps([each.name, each.size, each.etag]) + b"\n" for _, each in rows)
    return hashlib.sha256(text).hexdigest()
