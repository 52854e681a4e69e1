"""`govcloud sign`: an office signs its decision, with a key in a file or with a device of its own. Needs no cluster."""

from __future__ import annotations

import base64
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from pydantic import TypeAdapter, ValidationError

from govcloud.api.approval import ApprovalSpec, Signature
from govcloud.api.common import Moment, as_written
from govcloud.api.faults import faults_in, place
from govcloud.api.jurisdiction import SM2_KEY
from govcloud.core.signatures import attached, key_id, signed_bytes

_USAGE = 3
_PLACEHOLDER = "AAAA"
"""In place of the value while the bytes are computed, which do not hold it."""


def run(
    file: Annotated[Path, typer.Argument(help="The decision, a CloudServiceApproval with metadata.namespace, as YAML or JSON; - for standard input.")],
    key: Annotated[Path | None, typer.Option(help="The office's private key: Ed25519, PEM, not encrypted.")] = None,
    public_key: Annotated[Path | None, typer.Option(help="For a key that lies in a device (Ed25519 or SM2): its public key, PEM.")] = None,
    at: Annotated[str | None, typer.Option(help="When it is signed; by default now. The same moment in both steps with a device.")] = None,
    value: Annotated[Path | None, typer.Option(help="With --public-key: the device's signature (64 bytes, or DER for SM2).")] = None,
) -> None:
    """Sign a decision: prints the manifest with spec.signature, ready for kubectl
    create.

    With a key in a file:

    openssl genpkey -algorithm ed25519 -out office.pem govcloud sign
    decision.yaml --key office.pem | kubectl create -f -

    With a device, in two steps: without --value, the bytes that it has to sign
    are printed.

    govcloud sign decision.yaml --public-key office.pub --at
    2026-11-22T08:00:00Z > to-sign.bin (the device signs to-sign.bin into
    signature.bin) govcloud sign decision.yaml --public-key office.pub --at
    2026-11-22T08:00:00Z --value signature.bin | kubectl create -f -

    Exit code 3: the decision or the key cannot be used; the sentence says why.
    """
    try:
        sys.stdout.buffer.write(_answer(_manifest(file), _moment(at), key, public_key, value))
    except (OSError, ValueError, yaml.YAMLError) as error:  # a pydantic.ValidationError is a ValueError
        typer.echo(_said(error), err=True)
        raise typer.Exit(_USAGE) from None


def _answer(manifest: Mapping[str, Any], moment: datetime, key: Path | None, public_key: Path | None, value: Path | None) -> bytes:
    """The signed manifest, or the bytes that a device has to sign."""
    spec, namespace = _spec_in(manifest), _namespace_in(manifest)
    match key, public_key:
        case Path(), None:
            return _written(manifest, signed_with(private_key(key), namespace, spec, moment))
        case None, Path():
            draft = _draft(_public_key(public_key), spec, moment)
            return signed_bytes(namespace, draft) if value is None else _written(manifest, _with_value(draft, value.read_bytes()))
        case _:
            raise ValueError("give either --key, or --public-key for a device")


def signed_with(key: Ed25519PrivateKey, namespace: str, spec: ApprovalSpec, moment: datetime) -> ApprovalSpec:
    """The decision with the office's signature, made at `moment`, for filing in `namespace`."""
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    unsigned = _draft(base64.b64encode(public).decode(), spec, moment)
    return _with_value(unsigned, key.sign(signed_bytes(namespace, unsigned)))


def _draft(public_key: str, spec: ApprovalSpec, moment: datetime) -> ApprovalSpec:
    """The decision with everything of its signature but the value."""
    algorithm = "SM2" if public_key.startswith(SM2_KEY) else "Ed25519"
    said = {"algorithm": algorithm, "key_id": key_id(public_key), "signed_at": moment, "value": _PLACEHOLDER}
    return attached(spec, Signature.model_validate(said))


def _with_value(draft: ApprovalSpec, value: bytes) -> ApprovalSpec:
    said = draft.signature.model_dump() if draft.signature else {}
    return attached(draft, Signature.model_validate({**said, "value": base64.b64encode(value).decode()}))


def _manifest(file: Path) -> Mapping[str, Any]:
    text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    document = yaml.safe_load(text)
    if not isinstance(document, dict) or document.get("kind") != "CloudServiceApproval" or not isinstance(document.get("spec"), dict):
        raise ValueError(f"{file} is not a CloudServiceApproval")
    return document


def _spec_in(manifest: Mapping[str, Any]) -> ApprovalSpec:
    """The decision; a signature that it carries already is replaced. YAML reads moments by itself, so they may be moments or text."""
    return ApprovalSpec.model_validate({**manifest["spec"], "signature": None})


def _namespace_in(manifest: Mapping[str, Any]) -> str:
    namespace = (manifest.get("metadata") or {}).get("namespace")
    if not namespace:
        raise ValueError("metadata.namespace is missing: a decision is signed for the namespace of its request")
    return str(namespace)


def _moment(text: str | None) -> datetime:
    moment: datetime = TypeAdapter(Moment).validate_python(text) if text else datetime.now(UTC).replace(microsecond=0)
    return moment


def private_key(file: Path) -> Ed25519PrivateKey:
    """The Ed25519 key in a PEM file.

    Raises:
        OSError, ValueError: it cannot be read, is encrypted, or is another kind of key.
    """
    try:
        key = load_pem_private_key(file.read_bytes(), password=None)
    except TypeError:
        raise ValueError(f"{file} is encrypted; decrypt it, or use the device that it lies in (--public-key)") from None
    except UnsupportedAlgorithm:
        key = None
    if isinstance(key, Ed25519PrivateKey):
        return key
    raise ValueError(f"{file} is not an Ed25519 key; for SM2 let the device sign (--public-key)")


def _public_key(file: Path) -> str:
    lines = [line.strip() for line in file.read_text(encoding="ascii").splitlines() if line and not line.startswith("-----")]
    text = "".join(lines)
    if not text:
        raise ValueError(f"{file} holds no public key in PEM")
    return text


def _written(manifest: Mapping[str, Any], spec: ApprovalSpec) -> bytes:
    written: str = yaml.safe_dump({**manifest, "spec": as_written(spec)}, allow_unicode=True, sort_keys=False)
    return written.encode()


def _said(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    return "\n".join(f"{place(('spec', *fault.location))}: {fault.en} / {fault.zh}" for fault in faults_in(error, ApprovalSpec))
