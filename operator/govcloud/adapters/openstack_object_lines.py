"""What a container holds, as text that two people can compare: one line an object, sorted, and the digest of the lines. Pure.

A line is the canonical JSON (RFC 8785) of `[name, size, sha256]`, or of `[name, size, sha256, version]` for an older version of an object,
ended by a newline. JSON escapes newlines and quotes, so no
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
    """One object: its name, how many bytes were read of it (below 2**53), and their SHA-256 as hexadecimal digits.

    `version` is empty for the object as it is now, and Swift's id for an older version of it.
    """

    name: str
    size: int
    sha256: str
    version: str = ""


@dataclass(frozen=True)
class Listed:
    """One object as Swift lists it. `etag` is an MD5 for ordinary objects, and something else for large ones; `version` as in `Line`."""

    name: str
    size: int
    etag: str
    version: str = ""


def text_of(lines: Iterable[Line]) -> bytes:
    """The lines as they are stored and digested. Their order does not matter: they are sorted by the names' UTF-8 bytes, then by version.

    Raises:
        ValueError: a name occurs twice in one version.
    """
    by_name: dict[tuple[bytes, str], Line] = {}
    for line in lines:
        if by_name.setdefault((line.name.encode(), line.version), line) is not line:
            raise ValueError(f"object {line.name!r} occurs twice")
    return b"".join(_row(line.name, line.size, line.sha256, line.version) for _, line in sorted(by_name.items()))


def listing_digest(listed: Iterable[Listed]) -> str:
    """SHA-256 of a listing (names, sizes, etags, versions): two listings with one digest list the same."""
    rows = sorted((each.name.encode(), each.version, each) for each in listed)
    text = b"".join(_row(each.name, each.size, each.etag, each.version) for *_, each in rows)
    return hashlib.sha256(text).hexdigest()


def _row(name: str, size: int, content: str, version: str) -> bytes:
    return bytes(rfc8785.dumps([name, size, content, *([version] if version else [])])) + b"\n"
