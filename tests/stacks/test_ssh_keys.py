"""Which public keys are taken."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import TypeAdapter
from stacks_kit import PUBLIC_KEY, SHORT_RSA_KEY

from stacks.ssh_keys import PublicKey, key_problems


def line_of(private: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    return private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


GOOD = {
    "ed25519": lambda: line_of(ed25519.Ed25519PrivateKey.generate()),
    "with a comment": lambda: f"{PUBLIC_KEY} keeper@example",
    "P-256": lambda: line_of(ec.generate_private_key(ec.SECP256R1())),
    "P-521": lambda: line_of(ec.generate_private_key(ec.SECP521R1())),
    "RSA of 3072 bits": lambda: line_of(rsa.generate_private_key(65537, 3072)),
}


@pytest.mark.parametrize("which", GOOD)
def test_a_good_key_is_taken(which: str) -> None:
    key = TypeAdapter(PublicKey).validate_python(GOOD[which]())
    assert list(key_problems("sshPublicKey", key)) == []


BAD = {
    "cut short": PUBLIC_KEY[:-8],
    "of another type than it says": PUBLIC_KEY.replace("ssh-ed25519", "ssh-rsa"),
    "too short": SHORT_RSA_KEY,
}


@pytest.mark.parametrize("which", BAD)
def test_a_bad_key_is_refused_with_its_field(which: str) -> None:
    (problem,) = key_problems("sshPublicKey", BAD[which])
    assert problem.field == "sshPublicKey"
    assert problem.en
    assert problem.zh
