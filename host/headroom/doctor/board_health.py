"""Asks boards by their own HTTP whether they are well: who answers, and what."""

import http.client
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

# A board serves one client after the other, and its own reports before them.
_WITHIN_S = 5.0
_AT_ONCE = 64
_MOST_ANSWER_BYTES = 1024

# closed: something is at that address and takes no connection on this port.
Kind = Literal["ok", "failing", "closed", "silent", "stranger"]


@dataclass(frozen=True)
class Health:
    """What came of asking at an address; `said` is the board's own reason, or what went wrong."""

    kind: Kind
    said: str = ""


def ask_boards(hosts: Mapping[str, str], port: int) -> dict[str, Health]:
    """Ask each board at its host, all at once; the answers by board id."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = pool.map(lambda host: ask_board(host, port), hosts.values())
        return dict(zip(hosts, answers, strict=True))


def ask_board(host: str, port: int) -> Health:
    """Ask one board; never raises for what is at the other end."""
    connection = http.client.HTTPConnection(host, port, timeout=_WITHIN_S)
    try:
        connection.request("GET", "/health")
        answer = json.loads(connection.getresponse().read(_MOST_ANSWER_BYTES))
        return Health("ok" if answer["status"] == "ok" else "failing", str(answer["reason"]))
    except ConnectionRefusedError:
        return Health("closed")
    except OSError as error:
        return Health("silent", str(error))
    except (http.client.HTTPException, ValueError, KeyError, TypeError):
        return Health("stranger")
    finally:
        connection.close()
