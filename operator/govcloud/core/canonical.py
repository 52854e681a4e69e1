"""One way to write a value down, so that equal values have equal bytes (RFC 8785), and the digests over it."""

from __future__ import annotations

import hashlib
from typing import Any

import rfc8785


def canonical(value: Any) -> str:
    """Canonical JSON of a JSON-like value.

    Raises:
        rfc8785.CanonicalizationError: the value is not JSON, or a number is outside of what JSON can carry exactly.
    """
    data: bytes = rfc8785.dumps(value)
    return data.decode()


def sha256(text: str) -> str:
    """`sha256:<hex>` of the text's UTF-8 bytes."""
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def sm3(text: str) -> str | None:
    """`sm3:<hex>` (GB/T 32905, row S7), or None where this OpenSSL does not have SM3."""
    if "sm3" not in hashlib.algorithms_available:
        return None
    return f"sm3:{hashlib.new('sm3', text.encode()).hexdigest()}"
