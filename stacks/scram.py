"""What PostgreSQL keeps in place of a password: it lets the password be checked, and nobody read it back (RFC 5802, RFC 7677). Pure."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode

ITERATIONS = 4096
"""PostgreSQL's own number. Passwords here are derived and long: guessing is hopeless at any number."""


def verifier(password: str, salt: bytes) -> str:
    """The verifier as PostgreSQL takes it for a password in `CREATE ROLE`. `password` is ASCII."""
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, ITERATIONS)
    stored = hashlib.sha256(_keyed(salted, b"Client Key")).digest()
    return f"SCRAM-SHA-256${ITERATIONS}:{_text(salt)}${_text(stored)}:{_text(_keyed(salted, b'Server Key'))}"


def _keyed(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")


def _text(content: bytes) -> str:
    return b64encode(content).decode()
