"""Signatures, against a value that the reference library of Standard Webhooks (standardwebhooks 1.1.0) gave."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime

import pytest

from govcloud.core.webhook import key_from, signed

SECRET = b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MOMENT = datetime(2021, 2, 25, 15, 2, 10, 500000, tzinfo=UTC)
CHINESE = "状态".encode()


def test_the_signature_is_that_of_the_reference_library() -> None:
    headers = signed(key_from(SECRET), "msg_p5jXN8AQM9LWM0D4loKWxJek", MOMENT, b'{"test": 2432232314}')

    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_it_is_over_the_exact_bytes_the_id_and_the_time() -> None:
    key = b"k" * 32
    one = signed(key, "e-1", MOMENT, CHINESE)["webhook-signature"]
    by_hand = hmac.new(key, b"e-1.1614265330." + CHINESE, hashlib.sha256).digest()

    assert one == "v1," + base64.b64encode(by_hand).decode()
    others = (signed(key, "e-2", MOMENT, CHINESE), signed(key, "e-1", MOMENT, b"x"), signed(b"l" * 32, "e-1", MOMENT, CHINESE))
    assert one not in [other["webhook-signature"] for other in others]


def test_a_key_is_read_with_or_without_its_prefix() -> None:
    assert key_from(SECRET + b"\n") == base64.b64decode(SECRET.removeprefix(b"whsec_"))
    assert key_from(b"0123456789abcdef0123456789abcdef") == b"0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize("value", [b"too-short-a-key", b"whsec_c2hvcnQ=", b"whsec_!!!not base64!!!"])
def test_what_is_no_key_is_refused_without_being_shown(value: bytes) -> None:
    with pytest.raises(ValueError, match=r"base64|at least 24") as refused:
        key_from(value)
    assert value.decode() not in str(refused.value)
