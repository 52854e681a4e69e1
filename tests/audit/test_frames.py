"""A frame is good only if it is exactly what would be written, and a bad one says what is wrong with it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govcloud.audit.frames import BadFrame, decode, encode


def test_a_frame_is_length_checksum_content_and_a_line_feed() -> None:
    assert encode(b'{"action":1}') == b'0000000c 898ce893 {"action":1}\n'


@given(st.binary(max_size=200).filter(lambda payload: b"\n" not in payload))
def test_what_was_framed_is_read_back(payload: bytes) -> None:
    assert decode(encode(payload)) == payload


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (b"", "it has no end"),
        (b'0000000c 898ce893 {"action":1}', "it has no end"),
        (b'0000000d 898ce893 {"action":1}\n', "its length field does not fit its 12 bytes"),
        (b'0000000C 898ce893 {"action":1}\n', "its length field does not fit its 12 bytes"),
        (b'0000000c_898ce893 {"action":1}\n', "its length field does not fit its 12 bytes"),
        (b'0000000c 898ce892 {"action":1}\n', "its checksum does not fit its bytes"),
        (b'0000000c 898CE893 {"action":1}\n', "its checksum does not fit its bytes"),
        (b'0000000c 898ce893_{"action":1}\n', "its checksum does not fit its bytes"),
        (b'0000000c 898ce893 {"action":2}\n', "its checksum does not fit its bytes"),
    ],
)
def test_a_bad_frame_says_what_is_wrong(line: bytes, sentence: str) -> None:
    with pytest.raises(BadFrame) as refused:
        decode(line)
    assert str(refused.value) == sentence
