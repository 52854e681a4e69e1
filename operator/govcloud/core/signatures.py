"""Detached signatures on decisions: which bytes are signed, and whether a signature is one of the office that decides. Pure.

The bytes are DSSE's pre-authentication encoding of a type of our own and the decision in canonical JSON (RFC 8785), so that a signature over
anything else, made with the same key, is never one over a decision. docs/approvals.md has an example to the byte.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from govcloud.api.approval import ApprovalSpec, Signature
from govcloud.api.common import API_VERSION
from govcloud.api.jurisdiction import Approvals, OfficeKey
from govcloud.core.canonical import canonical
from govcloud.core.objects import ApprovalObject
from govcloud.reasons import Reason

PAYLOAD_TYPE = "application/vnd.govcloud.approval+json"

Fault = tuple[Reason, str]
"""Why something does not count: a reason of the closed list, and a sentence in English and Chinese."""

Verifier = Callable[[bytes, bytes, bytes], bool]
"""Whether a public key (DER, SubjectPublicKeyInfo) made this signature over these bytes."""

SKEW = timedelta(minutes=5)
"""How far an office's clock may be ahead of the API server's."""


def signed_bytes(namespace: str, spec: ApprovalSpec) -> bytes:
    """What the office signs: everything that the decision means, and how it is signed; only the signature's own value is not in it."""
    return encoded(PAYLOAD_TYPE, statement(namespace, spec).encode())


def statement(namespace: str, spec: ApprovalSpec) -> str:
    """The decision as canonical JSON. What is at its default is left out; moments are written in UTC, with a Z."""
    said = spec.model_dump(by_alias=True, exclude_defaults=True, exclude={"signature": {"value"}})
    return canonical({"apiVersion": API_VERSION, "kind": "CloudServiceApproval", "namespace": namespace, "spec": _plain(said)})


def encoded(payload_type: str, payload: bytes) -> bytes:
    """DSSE v1, pre-authentication encoding: `DSSEv1 <length> <type> <length> <payload>`, lengths in bytes."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def key_id(public_key: str) -> str:
    """The id of a public key in base64: SHA-256 over its DER form. Nobody assigns it, so no two keys share one.

    Raises:
        ValueError: it is not base64.
    """
    return hashlib.sha256(base64.b64decode(public_key, validate=True)).hexdigest()


def attached(spec: ApprovalSpec, signature: Signature) -> ApprovalSpec:
    """The decision with its signature."""
    return spec.model_copy(update={"signature": signature})


def signature_fault(
    approval: ApprovalObject, trusted: Approvals, verifiers: Mapping[str, Verifier] | None = None
) -> Fault | None:
    """Why the decision's signature does not count, or that it lacks one which the jurisdiction demands; None when all is well.

    Args:
        trusted: the keys of the offices, and whether a signature is demanded.
        verifiers: by algorithm; those that this installation has, unless said otherwise.
    """
    signature = approval.spec.signature
    if signature is None:
        return _missing(trusted)
    key = next((key for key in trusted.keys if _id_of(key) == signature.key_id), None)
    if key is None:
        return (
            Reason.SIGNING_KEY_UNKNOWN,
            f"the jurisdiction knows no key {signature.key_id} (spec.approvals.keys) / 签名公钥未在本辖区登记",
        )
    return (
        _foreign(approval, key)
        or _other_algorithm(signature, key)
        or _out_of_time(approval, signature, key)
        or _not_over_this(approval, signature, key, VERIFIERS if verifiers is None else verifiers)
    )


def _missing(trusted: Approvals) -> Fault | None:
    if not trusted.signatures_required:
        return None
    return (
        Reason.SIGNATURE_MISSING,
        "this jurisdiction counts signed decisions only (spec.approvals.signaturesRequired); sign it (govcloud sign) / 本辖区要求审批附电子签名",
    )


def _foreign(approval: ApprovalObject, key: OfficeKey) -> Fault | None:
    spec = approval.spec
    if key.office != spec.office:
        return (
            Reason.SIGNING_KEY_FOREIGN,
            f"the key belongs to {key.office}, but {spec.office} decides / 签名公钥属于{key.office}，而非{spec.office}",
        )
    if key.steps and spec.step not in key.steps:
        steps = ", ".join(key.steps)
        return (
            Reason.SIGNING_KEY_FOREIGN,
            f"the key is for {steps} only, not for step {spec.step!r} / 该公钥仅限用于 {steps} 环节",
        )
    return None


def _other_algorithm(signature: Signature, key: OfficeKey) -> Fault | None:
    if signature.algorithm == key.algorithm:
        return None
    return (
        Reason.SIGNATURE_ALGORITHM_WRONG,
        f"the signature says {signature.algorithm}, but its key is for {key.algorithm} / 签名算法与登记公钥不符",
    )


def _out_of_time(approval: ApprovalObject, signature: Signature, key: OfficeKey) -> Fault | None:
    """Whether the key held when the decision reached the cluster: that moment is the API server's, and nobody can date it back."""
    made = approval.created_at
    if key.revoked_at is not None and key.revoked_at <= made:
        why = f" ({key.revocation_reason})" if key.revocation_reason else ""
        return (
            Reason.SIGNING_KEY_REVOKED,
            f"the key is revoked since {key.revoked_at.isoformat()}{why}; sign with another / 签名密钥已吊销，请更换密钥后重新签名",
        )
    if made < key.valid_from or (key.valid_until is not None and key.valid_until <= made):
        until = key.valid_until.isoformat() if key.valid_until else "…"
        return (
            Reason.SIGNING_KEY_NOT_VALID,
            f"the key is valid from {key.valid_from.isoformat()} to {until}, the decision is of {made.isoformat()} / 签名密钥不在有效期内",
        )
    if signature.signed_at > made + SKEW:
        return (
            Reason.SIGNATURE_INVALID,
            f"it says that it was signed at {signature.signed_at.isoformat()}, after it was filed / 签名时间晚于提交时间",
        )
    return None


def _not_over_this(
    approval: ApprovalObject, signature: Signature, key: OfficeKey, verifiers: Mapping[str, Verifier]
) -> Fault | None:
    verify = verifiers.get(signature.algorithm)
    if verify is None:
        return (
            Reason.SIGNATURE_ALGORITHM_UNAVAILABLE,
            f"this controller cannot verify {signature.algorithm}; install govcloud[{signature.algorithm.lower()}] / 控制器未安装该签名算法",
        )
    message = signed_bytes(approval.namespace, approval.spec)
    if verify(_bytes(key.public_key), message, _bytes(signature.value)):
        return None
    return (
        Reason.SIGNATURE_INVALID,
        "the signature is not one over this decision: something of it is different from what was signed / 签名与审批内容不符",
    )


# Algorithms

_ED25519_NAME = bytes.fromhex("302a300506032b6570032100")
_SM2_NAME = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d03420004")


def _ed25519(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """RFC 8032. What follows the algorithm's name in the DER form is the key, 32 bytes."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key.removeprefix(_ED25519_NAME)).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _installed() -> Mapping[str, Verifier]:
    """Ed25519 always, SM2 where its library is installed."""
    try:
        import gmssl_pyx
    except ImportError:
        return {"Ed25519": _ed25519}

    def sm2(public_key: bytes, message: bytes, signature: bytes) -> bool:
        """GB/T 32918.2 with SM3 and the default signer id. What follows the algorithm's name in the DER form is the point, 64 bytes."""
        try:
            return bool(gmssl_pyx.sm2_verify(public_key.removeprefix(_SM2_NAME), message, signature))
        except gmssl_pyx.GmsslInnerError:  # what is no point on the curve, or no signature in DER
            return False

    return {"Ed25519": _ed25519, "SM2": sm2}


VERIFIERS = _installed()


@lru_cache(maxsize=1024)
def _id_of(key: OfficeKey) -> str:
    try:
        return key_id(key.public_key)
    except (binascii.Error, ValueError):
        return ""  # a key that is none signs nothing


def _bytes(text: str) -> bytes:
    """The bytes of a base64 text; none where it is not base64."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _plain(value: Any) -> Any:
    """JSON: moments in UTC, to the second where they are whole."""
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case Mapping():
            return {name: _plain(item) for name, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
    return value
