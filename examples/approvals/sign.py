#!/usr/bin/env python3
"""Sign a decision with an office's Ed25519 key, without govcloud: what a signer of your own has to do (docs/approvals.md).

    kubectl create --dry-run=client -o json -n first-hospital -f decision.yaml | examples/approvals/sign.py office.pem | kubectl create -f -

The key: openssl genpkey -algorithm ed25519 -out office.pem
"""

import base64
import hashlib
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

TYPE = "application/vnd.govcloud.approval+json"


def signed(approval: dict, key: Ed25519PrivateKey, signed_at: str) -> dict:
    """The decision with its signature. Moments in it are written in UTC with a Z; nothing in it is empty."""
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    how = {"algorithm": "Ed25519", "keyId": hashlib.sha256(public).hexdigest(), "signedAt": signed_at}
    statement = {
        "apiVersion": approval["apiVersion"],
        "kind": approval["kind"],
        "namespace": approval["metadata"]["namespace"],
        "spec": {**approval["spec"], "signature": how},
    }
    payload = json.dumps(statement, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    value = key.sign(b"DSSEv1 %d %s %d %s" % (len(TYPE), TYPE.encode(), len(payload), payload))
    how["value"] = base64.b64encode(value).decode()
    return {**approval, "spec": {**approval["spec"], "signature": how}}


if __name__ == "__main__":
    office = load_pem_private_key(Path(sys.argv[1]).read_bytes(), password=None)
    if not isinstance(office, Ed25519PrivateKey):
        sys.exit(f"{sys.argv[1]} holds no Ed25519 key")
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    json.dump(signed(json.load(sys.stdin), office, now), sys.stdout, ensure_ascii=False, indent=2)
