"""What is taken out of an archive for a bug report."""

import json
import secrets
from collections.abc import Callable

import pytest
from headroom.device.redaction import values, without, without_shapes

PASSWORDS = ('correct "horse"', "it's \\ both \"", "Grüße aus Köln", "tab\tin it")


@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize("write", [str, json.dumps, repr, ascii])
def test_a_secret_is_found_as_programs_write_it(
    password: str, write: Callable[[str], str]
) -> None:
    body = f"before {write(password)} after".encode()
    shown = without(body, [password])
    assert password.encode() not in shown
    assert json.dumps(password)[1:-1].encode() not in shown
    assert b"[removed]" in shown


def test_of_a_damaged_file_what_is_left_of_its_texts() -> None:
    whole = json.dumps({"key": "ab" * 32, "wifi_password": 'half "of" it'}).encode()
    assert values(whole) == {"ab" * 32, 'half "of" it'}
    assert {"ab" * 32, "half "} <= values(whole[:-5])
    broken = whole[:-5] + b"\xff\xfe"
    assert b"half" not in without(b"it was half \xff\xfe", values(broken))
    assert values(b"[1, 2]") == {"[1, 2]"}


def test_shapes_of_keys_and_tokens_and_nothing_else() -> None:
    key, token = secrets.token_hex(32), secrets.token_urlsafe(32)
    kept = "2026-11-21T18:00:00.000Z flat-1 e3b0c44298fc1c149afbf4c8996fb924 0f5c"
    log = f"{kept} {key} {key.upper()} Bearer {token} http://127.0.0.1:8080/#code={token}\n"
    expected = f"{kept} [removed] [removed] Bearer [removed] "
    expected += "http://127.0.0.1:8080/#code=[removed]\n"
    assert without_shapes(log.encode()).decode() == expected
