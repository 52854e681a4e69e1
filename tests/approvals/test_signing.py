"""`govcloud sign`, and the recipe for whoever writes a signer of his own: both make what the controller accepts."""

from __future__ import annotations

import base64
import importlib.util
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from approvals.offices import MORNING, NAMESPACE, Ed25519Office, Sm2Office, decision, filed
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from typer.testing import CliRunner, Result

from govcloud.api.approval import ApprovalSpec
from govcloud.api.jurisdiction import Approvals
from govcloud.cli import app
from govcloud.core.signatures import signature_fault

ROOT = Path(__file__).resolve().parents[2]
RUNNER = CliRunner()
OFFICE = Ed25519Office(1)
AT = "2026-03-02T02:00:00Z"


def manifest() -> dict[str, Any]:
    spec = json.loads(decision().model_dump_json(by_alias=True, exclude_none=True))
    metadata = {"generateName": "orders-authority-", "namespace": NAMESPACE}
    return {"apiVersion": "govcloud.dev/v1alpha1", "kind": "CloudServiceApproval", "metadata": metadata, "spec": spec}


@pytest.fixture
def decided(tmp_path: Path) -> str:
    """A file with the decision."""
    file = tmp_path / "decision.yaml"
    file.write_text(yaml.safe_dump(manifest(), allow_unicode=True), encoding="utf-8")
    return str(file)


@pytest.fixture
def office_pem(tmp_path: Path) -> str:
    """A file with the office's private key, as openssl writes it."""
    file = tmp_path / "office.pem"
    file.write_bytes(OFFICE.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return str(file)


def pem(office: Ed25519Office, folder: Path) -> str:
    file = folder / "office.pub"
    lines = [office.public_key[place : place + 64] for place in range(0, len(office.public_key), 64)]
    file.write_text("\n".join(["-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----", ""]), encoding="ascii")
    return str(file)


def run(*arguments: str) -> Result:
    return RUNNER.invoke(app, ["sign", *arguments])


def accepted(printed: str, office: Ed25519Office) -> bool:
    """Whether what was printed counts as signed by this office."""
    document = yaml.safe_load(printed)
    assert document["metadata"] == manifest()["metadata"]
    spec = ApprovalSpec.model_validate(document["spec"])
    assert spec.signature is not None
    created_at = max(MORNING, spec.signature.signed_at)
    return signature_fault(filed(spec, created_at), Approvals(keys=(office.entry(),))) is None


def test_a_decision_is_signed_with_a_key_in_a_file(decided: str, office_pem: str) -> None:
    done = run(decided, "--key", office_pem)
    assert done.exit_code == 0, done.output
    assert accepted(done.stdout, OFFICE)


def test_a_decision_is_signed_again_after_an_edit(decided: str, office_pem: str, tmp_path: Path) -> None:
    signed = yaml.safe_load(run(decided, "--key", office_pem).stdout)
    signed["spec"]["comment"] = "同意,限一年"
    edited = tmp_path / "edited.yaml"
    edited.write_text(yaml.safe_dump(signed, allow_unicode=True), encoding="utf-8")
    assert accepted(run(str(edited), "--key", office_pem).stdout, OFFICE)


@pytest.mark.parametrize("office", [OFFICE, Sm2Office()], ids=["Ed25519", "SM2"])
def test_a_device_signs_in_two_steps(decided: str, tmp_path: Path, office: Ed25519Office) -> None:
    public = pem(office, tmp_path)
    to_sign = run(decided, "--public-key", public, "--at", AT)
    assert to_sign.exit_code == 0, to_sign.output
    (tmp_path / "signature.bin").write_bytes(office.raw_signature(to_sign.stdout_bytes))
    done = run(decided, "--public-key", public, "--at", AT, "--value", str(tmp_path / "signature.bin"))
    assert accepted(done.stdout, office)


def test_openssl_makes_sm2_signatures_that_count(decided: str, tmp_path: Path) -> None:
    """Another implementation of GB/T 32918 than the one that verifies."""

    def openssl(*arguments: str) -> bytes:
        return subprocess.run(["openssl", *arguments], cwd=tmp_path, check=True, capture_output=True).stdout

    openssl("ecparam", "-name", "SM2", "-genkey", "-noout", "-out", "sm2.pem")
    public = openssl("pkey", "-in", "sm2.pem", "-pubout")
    (tmp_path / "sm2.pub").write_bytes(public)
    (tmp_path / "to-sign.bin").write_bytes(run(decided, "--public-key", str(tmp_path / "sm2.pub"), "--at", AT).stdout_bytes)
    how = ("-rawin", "-digest", "sm3", "-pkeyopt", "distid:1234567812345678")
    openssl("pkeyutl", "-sign", "-inkey", "sm2.pem", *how, "-in", "to-sign.bin", "-out", "signature.bin")
    done = run(decided, "--public-key", str(tmp_path / "sm2.pub"), "--at", AT, "--value", str(tmp_path / "signature.bin"))
    key = "".join(public.decode().splitlines()[1:-1])
    entry = OFFICE.entry(public_key=key, algorithm="SM2")
    spec = ApprovalSpec.model_validate(yaml.safe_load(done.stdout)["spec"])
    assert signature_fault(filed(spec), Approvals(keys=(entry,))) is None


def test_the_recipe_makes_the_same_signature(decided: str, office_pem: str) -> None:
    """An implementation that shares no code with ours."""
    description = importlib.util.spec_from_file_location("sign_recipe", ROOT / "examples" / "approvals" / "sign.py")
    assert description is not None and description.loader is not None
    recipe = importlib.util.module_from_spec(description)
    description.loader.exec_module(recipe)
    theirs = recipe.signed(manifest(), Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32), AT)
    ours = yaml.safe_load(run(decided, "--key", office_pem, "--at", AT).stdout)
    assert theirs["spec"]["signature"] == {**ours["spec"]["signature"], "signedAt": AT}


def test_the_documentation_shows_the_bytes_and_the_signature(decided: str, office_pem: str) -> None:
    text = (ROOT / "docs" / "approvals.md").read_text(encoding="utf-8")
    signed = yaml.safe_load(run(decided, "--key", office_pem, "--at", AT).stdout)["spec"]["signature"]
    assert base64.b64encode(bytes([1]) * 32).decode() in text, "the seed of the key"
    assert OFFICE.public_key in text
    assert signed["keyId"] in text
    assert signed["value"] in text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda m: m["metadata"].pop("namespace"), "metadata.namespace is missing"),
        (lambda m: m.update(kind="Secret"), "is not a CloudServiceApproval"),
        (lambda m: m["spec"].update(decision="Maybe"), "spec.decision: must be one of Approved"),
        (lambda m: m["spec"].pop("planDigest"), "spec.planDigest: is required"),
    ],
)
def test_what_cannot_be_signed_is_told_with_its_field(office_pem: str, tmp_path: Path, change: Any, words: str) -> None:
    document = manifest()
    change(document)
    file = tmp_path / "decision.yaml"
    file.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    done = run(str(file), "--key", office_pem)
    assert done.exit_code == 3
    assert words in done.stderr


def test_a_key_that_cannot_be_used_is_told(decided: str, tmp_path: Path) -> None:
    for curve in ("SM2", "prime256v1"):
        made = ["openssl", "ecparam", "-name", curve, "-genkey", "-noout", "-out", tmp_path / curve]
        subprocess.run(made, check=True, capture_output=True)
    for arguments, words in (
        (["--key", str(tmp_path / "SM2")], "is not an Ed25519 key"),
        (["--key", str(tmp_path / "prime256v1")], "is not an Ed25519 key"),
        (["--key", str(tmp_path / "none.pem")], "No such file"),
        ([], "give either --key, or --public-key"),
    ):
        done = run(decided, *arguments)
        assert done.exit_code == 3
        assert words in done.stderr
