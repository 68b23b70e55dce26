"""Prices as a plan carries them: two digits of base 57, in characters that JSON leaves alone."""

from collections.abc import Iterable

# As firmware/node/planning.py unpacks them; a test holds the two together.
FIRST_DIGIT = ord("#")
BASE = 57
LOWEST_EUR_MWH = -500
HIGHEST_EUR_MWH = LOWEST_EUR_MWH + BASE**2 - 1


def pack(prices_eur_mwh: Iterable[int]) -> str:
    """Two characters a price. One beyond the range is sent as the end of it."""
    return "".join(_digits(price) for price in prices_eur_mwh)


def unpack(packed: str) -> list[int]:
    """The prices of a packed string."""
    codes = [ord(character) - FIRST_DIGIT for character in packed]
    pairs = zip(codes[::2], codes[1::2], strict=True)
    return [high * BASE + low + LOWEST_EUR_MWH for high, low in pairs]


def _digits(price_eur_mwh: int) -> str:
    bounded = max(LOWEST_EUR_MWH, min(price_eur_mwh, HIGHEST_EUR_MWH))
    high, low = divmod(bounded - LOWEST_EUR_MWH, BASE)
    return chr(FIRST_DIGIT + high) + chr(FIRST_DIGIT + low)
