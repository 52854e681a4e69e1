"""Public SSH keys that a request gives: which are taken, and why others are not. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_ssh_public_key
from pydantic import StringConstraints

from stacks.kind import Problem

SHORTEST_RSA = 3072
"""Bits of a modulus: as strong as 128-bit symmetric keys (NIST SP 800-57 part 1, table 2)."""

PublicKey = Annotated[
    str,
    StringConstraints(
        pattern=r"^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/]+={0,2}( [A-Za-z0-9@._+-]{1,128})?$",
        max_length=1600,
    ),
]
"""One line as `ssh-keygen` writes it into a `.pub` file."""


def key_problems(field: str, key: str) -> Iterator[Problem]:
    """What is wrong with a public key: it is damaged, or too short."""
    try:
        parsed = load_ssh_public_key(key.encode())
    except (ValueError, UnsupportedAlgorithm):
        yield Problem(
            field,
            "the public key is damaged or not of the type that its first word says; copy the whole line of the .pub file",
            "公钥已损坏，或与首词所写类型不符；请完整复制 .pub 文件中的一行",
        )
        return
    if isinstance(parsed, RSAPublicKey) and parsed.key_size < SHORTEST_RSA:
        yield Problem(
            field,
            f"the RSA key has {parsed.key_size} bits, at least {SHORTEST_RSA} are needed; an ssh-ed25519 key is shorter and strong enough",
            f"RSA 密钥为 {parsed.key_size} 位，至少需要 {SHORTEST_RSA} 位；建议改用 ssh-ed25519",
        )
