"""How one record lies in a segment file: ``LLLLLLLL CCCCCCCC {json}\\n``.

L is the length of the JSON in bytes, C its CRC-32 (zlib), both eight lower-case hexadecimal digits. Canonical JSON
holds no raw line feed, so a damaged frame never hides the next one. The CRC finds accidents; the Merkle tree finds
intent.
"""

from zlib import crc32

HEADER_BYTES = len(b"LLLLLLLL CCCCCCCC ")


class BadFrame(ValueError):
    """The bytes are not a frame."""


def encode(payload: bytes) -> bytes:
    """The frame of a payload that holds no line feed."""
    return b"%08x %08x %s\n" % (len(payload), crc32(payload), payload)


def decode(line: bytes) -> bytes:
    """The payload of a line, line feed included. A frame is good only if it is exactly what `encode` makes."""
    payload = line[HEADER_BYTES:-1]
    if line != encode(payload):
        raise BadFrame(_what_is_wrong(line, payload))
    return payload


def _what_is_wrong(line: bytes, payload: bytes) -> str:
    if not line.endswith(b"\n"):
        return "it has no end"
    if line[:9] != b"%08x " % len(payload):
        return f"its length field does not fit its {len(payload)} bytes"
    return "its checksum does not fit its bytes"
