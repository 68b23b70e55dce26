"""Secrets as they are stored: by hash only."""

import hashlib

# 32 random bytes cannot be guessed, so a plain hash protects them; no slow one is needed.
SECRET_BYTES = 32


def hashed(secret: str) -> bytes:
    """What is stored of a token or of a session's secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
