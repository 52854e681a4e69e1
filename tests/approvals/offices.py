"""Offices that sign: keys made of fixed seeds, the entries of a trust store, and decisions to sign."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import gmssl_pyx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from govcloud.api.approval import ApprovalSpec, Signature
from govcloud.api.jurisdiction import OfficeKey
from govcloud.core.objects import ApprovalObject
from govcloud.core.signatures import attached, key_id, signed_bytes

MORNING = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
AUTHORITY = "九江市信息化工作办公室"
NAMESPACE = "health-center"
SM2_NAME = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d03420004")


class Ed25519Office:
    """An office with an Ed25519 key."""

    algorithm = "Ed25519"

    def __init__(self, seed: int, office: str = AUTHORITY) -> None:
        self.office = office
        self.private = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)

    @property
    def public_key(self) -> str:
        return base64.b64encode(self.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()

    def raw_signature(self, message: bytes) -> bytes:
        return self.private.sign(message)

    def entry(self, **changes: Any) -> OfficeKey:
        """What the jurisdiction says of its key."""
        said = {"public_key": self.public_key, "algorithm": self.algorithm, "office": self.office, "valid_from": MORNING.replace(year=2025)}
        return OfficeKey.model_validate({**said, **changes})

    def signs(self, spec: ApprovalSpec, namespace: str = NAMESPACE, signed_at: datetime = MORNING, **changes: Any) -> ApprovalSpec:
        """The decision with this office's signature; `changes` are made to the signature before it is computed."""
        draft = {"algorithm": self.algorithm, "key_id": key_id(self.public_key), "signed_at": signed_at, "value": "AAAA", **changes}
        unsigned = attached(spec, Signature.model_validate(draft))
        value = base64.b64encode(self.raw_signature(signed_bytes(namespace, unsigned))).decode()
        return attached(spec, Signature.model_validate({**draft, "value": value}))


class Sm2Office(Ed25519Office):
    """An office with a key of the national algorithm."""

    algorithm = "SM2"

    def __init__(self, office: str = AUTHORITY) -> None:
        self.office = office
        self._public, self._secret = gmssl_pyx.sm2_key_generate()

    @property
    def public_key(self) -> str:
        return base64.b64encode(SM2_NAME + self._public).decode()

    def raw_signature(self, message: bytes) -> bytes:
        made: bytes = gmssl_pyx.sm2_sign(self._secret, self._public, message)
        return made


def decision(**changes: Any) -> ApprovalSpec:
    """A decision in which every field says something."""
    said: dict[str, Any] = {
        "request": {"name": "orders", "uid": "00000000-0000-0000-0000-0000000000aa"},
        "step": "authority",
        "decision": "Approved",
        "planDigest": "sha256:" + "1" * 64,
        "office": AUTHORITY,
        "approver": "sun.li",
        "documentNumber": "九信办〔2026〕40号",
        "validUntil": "2026-12-31T16:00:00Z",
        "comment": "同意",
        "attachments": [{"name": "会议纪要.pdf", "sha256": "ab" * 32}],
    }
    return ApprovalSpec.model_validate({**said, **changes})


def filed(spec: ApprovalSpec, created_at: datetime = MORNING, namespace: str = NAMESPACE, name: str = "one") -> ApprovalObject:
    """The decision as it lies in the cluster."""
    return ApprovalObject(name, namespace, f"uid-of-{name}", created_at, spec, None)
