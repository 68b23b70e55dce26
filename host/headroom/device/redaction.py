"""Takes secrets out of what leaves this machine: those that are known, and what looks like one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from headroom.protocol.signing import KEY_BYTES
from headroom.store.hashing import SECRET_BYTES

_REMOVED = b"[removed]"
# Shorter ones would be found everywhere.
_SHORTEST = 4
# Base64 without padding, as tokens, sessions and the codes of sign-in links are written.
_TOKEN_CHARS = -(-SECRET_BYTES * 8 // 6)
_SHAPES = re.compile(
    rb"(?<![0-9A-Fa-f])[0-9A-Fa-f]{%d}(?![0-9A-Fa-f])|(?<![\w-])[\w-]{%d}(?![\w-])"
    % (2 * KEY_BYTES, _TOKEN_CHARS)
)


def values(content: bytes) -> set[str]:
    """The secrets in a board's secrets.json; of a damaged one whatever text is left in it."""
    text = content.decode(errors="surrogateescape")
    try:
        found = [str(value) for value in json.loads(text).values()]
    except (ValueError, AttributeError):
        found = re.findall(r'[^"\\]+', text)
    return {value for value in found if len(value) >= _SHORTEST}


def without(body: bytes, secrets: Iterable[str]) -> bytes:
    """A text without any of the secrets, whatever way they are written in it."""
    # The longest first: one may be part of another.
    for secret in sorted(secrets, key=len, reverse=True):
        for form in _forms(secret):
            body = re.sub(re.escape(form), _REMOVED, body, flags=re.IGNORECASE)
    return body


def without_shapes(body: bytes) -> bytes:
    """A log without whatever has the shape of a key, a token or a sign-in link's code."""
    return _SHAPES.sub(_REMOVED, body)


def _forms(secret: str) -> set[bytes]:
    """As it is, and as JSON or a Python text would have it."""
    quoted = {json.dumps(secret), json.dumps(secret, ensure_ascii=False), repr(secret)}
    texts = {secret, ascii(secret)[1:-1]} | {text[1:-1] for text in quoted}
    return {text.encode(errors="surrogateescape") for text in texts}
