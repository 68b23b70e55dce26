"""Signatures against an implementation of their own, and what they must not accept."""

import hashlib
import hmac

import pytest
from headroom.protocol.signing import (
    KeyFormatError,
    parse_key,
    sign_answer,
    sign_report,
    verify_answer,
    verify_report,
)

KEY = bytes(range(32))
BODY = b'{"v":1}'


def test_report_signature_is_the_documented_one() -> None:
    expected = hmac.new(KEY, b"report\nflat-1\n" + BODY, hashlib.sha256).hexdigest()
    assert sign_report(KEY, "flat-1", BODY) == expected


def test_answer_signature_is_the_documented_one() -> None:
    expected = hmac.new(KEY, b"answer\nabc\n200\n" + BODY, hashlib.sha256).hexdigest()
    assert sign_answer(KEY, "abc", 200, BODY) == expected


@pytest.mark.parametrize(
    ("key", "board", "body"),
    [(b"x" * 32, "flat-1", BODY), (KEY, "flat-2", BODY), (KEY, "flat-1", BODY + b" ")],
)
def test_report_of_other_key_board_or_body_is_refused(key: bytes, board: str, body: bytes) -> None:
    assert not verify_report(KEY, "flat-1", BODY, sign_report(key, board, body))


@pytest.mark.parametrize(
    ("report", "status", "body"), [("b", 200, BODY), ("a", 409, BODY), ("a", 200, b"{}")]
)
def test_answer_to_another_report_or_with_another_status_is_refused(
    report: str, status: int, body: bytes
) -> None:
    assert not verify_answer(KEY, report, status, body, sign_answer(KEY, "a", 200, BODY))


@pytest.mark.parametrize("signature", ["", "é" * 64, "\udcff", "0" * 64])
def test_any_text_may_be_offered_as_a_signature(signature: str) -> None:
    assert not verify_report(KEY, "flat-1", BODY, signature)


@pytest.mark.parametrize("text", ["", "00" * 31, "0g" * 32, "00" * 33])
def test_malformed_key_is_refused_without_being_quoted(text: str) -> None:
    with pytest.raises(KeyFormatError) as caught:
        parse_key(text)
    assert not text or text not in str(caught.value)


def test_key_is_read_in_either_case_with_a_newline() -> None:
    assert parse_key("aB" * 32 + "\n") == b"\xab" * 32
