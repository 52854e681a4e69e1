"""How a notification is signed: as Standard Webhooks (standardwebhooks.com) says, so that receivers check it with a library they have."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime

PREFIX = b"whsec_"
SHORTEST = 24
"""Bytes that a key has at least."""


def key_from(value: bytes) -> bytes:
    """The key that a Secret's value stands for.

    Raises:
        ValueError: it is too short, or what follows `whsec_` is not base64. The message does not show it.
    """
    value = value.strip()
    try:
        key = base64.b64decode(value.removeprefix(PREFIX), validate=True) if value.startswith(PREFIX) else value
    except binascii.Error:
        raise ValueError("what follows whsec_ is not base64") from None
    if len(key) < SHORTEST:
        raise ValueError(f"the key has {len(key)} bytes; it needs at least {SHORTEST}: openssl rand -base64 32")
    return key


def signed(key: bytes, event_id: str, at: datetime, body: bytes) -> Mapping[str, str]:
    """Headers that prove where a body comes from and when it was sent: HMAC-SHA256 over `<id>.<Unix seconds>.<body>`."""
    seconds = str(int(at.timestamp()))
    digest = hmac.new(key, b".".join((event_id.encode(), seconds.encode(), body)), hashlib.sha256).digest()
    return {
        "webhook-id": event_id,
        "webhook-timestamp": seconds,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
