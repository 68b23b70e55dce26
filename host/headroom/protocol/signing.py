"""HMAC-SHA256 signatures of reports, answers, beacons and charge orders.

A report's signature covers the board id: it cannot be replayed under another board's name. An
answer's signature covers the report's signature: it fits one report and no other.
"""

import hashlib
import hmac
import re

KEY_BYTES = 32
_KEY_HEX = re.compile(r"[0-9a-fA-F]{64}")


class KeyFormatError(ValueError):
    """A board key is not 64 hex digits."""


def parse_key(text: str) -> bytes:
    """The 32 bytes of a key of 64 hex digits; raises KeyFormatError, which never quotes it."""
    stripped = text.strip()
    if not _KEY_HEX.fullmatch(stripped):
        raise KeyFormatError(f"a board key is 64 hex digits; this has {len(stripped)} characters")
    return bytes.fromhex(stripped)


def sign_report(key: bytes, board_id: str, body: bytes) -> str:
    """Signature of a report, 64 hex digits."""
    return _hmac_hex(key, b"report\n" + _bytes(board_id) + b"\n" + body)


def verify_report(key: bytes, board_id: str, body: bytes, signature: str) -> bool:
    """Whether the signature is this board's over this body, in constant time."""
    return _same(sign_report(key, board_id, body), signature)


def sign_answer(key: bytes, report_signature: str, status: int, body: bytes) -> str:
    """Signature of an answer or refusal to the report that carried report_signature."""
    head = b"answer\n" + report_signature.encode() + b"\n" + str(status).encode() + b"\n"
    return _hmac_hex(key, head + body)


def verify_answer(
    key: bytes, report_signature: str, status: int, body: bytes, signature: str
) -> bool:
    """Whether an answer is the coordinator's, and to this very report."""
    return _same(sign_answer(key, report_signature, status, body), signature)


def sign_beacon(site_key: bytes, counter: int) -> bytes:
    """A beacon: its counter in nine digits, and the signature under the site's key."""
    digits = f"{counter:09d}".encode()
    return digits + _hmac_hex(site_key, b"beacon\n" + digits).encode()


def sign_charge(key: bytes, board_id: str, body: bytes) -> str:
    """Signature of a charge order under a board's charge key."""
    return _hmac_hex(key, b"charge\n" + _bytes(board_id) + b"\n" + body)


def _hmac_hex(key: bytes, message: bytes) -> str:
    return hmac.new(key, message, hashlib.sha256).hexdigest()


def _same(expected: str, given: str) -> bool:
    # As bytes: compare_digest refuses text beyond ASCII, and headers may carry any.
    return hmac.compare_digest(_bytes(expected), _bytes(given))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
