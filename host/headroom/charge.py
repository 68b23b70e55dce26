"""Charge orders, as a person with a board's charge key gives them to the board itself."""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass

from headroom.protocol.signing import sign_charge

_MOST_ANSWER_BYTES = 4096
_WITHIN_S = 15.0  # a board that reports lets others wait


class ChargeError(Exception):
    """The board did not obey; says why in its own words, or that it cannot be reached."""


@dataclass(frozen=True)
class ChargeOrder:
    """A circuit on for some minutes; `counter` must rise, and Unix time does."""

    circuit: int
    minutes: int
    counter: int

    def body(self) -> bytes:
        """The order as PROTOCOL.md has it."""
        document = {
            "v": 1,
            "counter": self.counter,
            "circuit": self.circuit,
            "minutes": self.minutes,
        }
        return json.dumps(document, separators=(",", ":")).encode()


def send_order(url: str, board_id: str, key: bytes, order: ChargeOrder) -> int:
    """Give an order to the board at `url`, such as http://192.168.4.2.

    Returns the seconds for which the board obeys. Raises ChargeError.
    """
    body = order.body()
    headers = {
        "Content-Type": "application/json",
        "Headroom-Signature": sign_charge(key, board_id, body),
    }
    try:
        request = urllib.request.Request(f"{url.rstrip('/')}/charge", body, headers)
        with urllib.request.urlopen(request, timeout=_WITHIN_S) as response:
            return int(json.loads(response.read(_MOST_ANSWER_BYTES))["seconds"])
    except urllib.error.HTTPError as error:
        with error:
            raise ChargeError(f"{url}: {_detail(error)}") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ChargeError(f"{url}: no answer of a board: {error}") from error


def _detail(error: urllib.error.HTTPError) -> str:
    try:
        problem = json.loads(error.read(_MOST_ANSWER_BYTES))
        return f"refused with {error.code}: {problem['detail']}"
    except (OSError, ValueError, KeyError, TypeError):
        return f"refused with {error.code}"
