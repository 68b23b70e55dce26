"""The coordinator, as a tool sees it: by its API, under a token."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, quote, urlsplit

from headroom.device.errors import DeviceError

_TIMEOUT_S = 10
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class CoordinatorApi:
    """One coordinator. Keys go to it, so it is on this machine or behind TLS."""

    def __init__(self, url: str, token_file: Path) -> None:
        """Raises DeviceError."""
        parts = _parts(url)
        if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
            raise DeviceError(
                f"{url}: whoever is on the network could read the keys that are sent there",
                "give an https:// address, or run this on the coordinator's machine",
            )
        self._url = url.rstrip("/")
        # A proxy named in the environment would read what goes to this machine in the clear.
        direct = [urllib.request.ProxyHandler({})] if parts.scheme != "https" else []
        self._opener = urllib.request.build_opener(*direct)
        try:
            self._token = token_file.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise DeviceError(
                f"{token_file}: cannot be read as a token: {error}",
                "give the token of an admin with --token-file; the first start of "
                "`headroom serve` writes one to DATA/api.token",
            ) from error

    def register(self, board_id: str, key: bytes) -> None:
        """Give a board of the site its key. Raises DeviceError."""
        self._call("PUT", f"boards/{board_id}/key", {"key": key.hex()})

    def site(self) -> dict[str, Any]:
        """The site as it is now, as in its file. Raises DeviceError."""
        found = self._call("GET", "site", None)
        return {"site": {"name": found.pop("name")}, **found}

    def site_changes(self) -> list[dict[str, Any]]:
        """What was changed of it, by name. Raises DeviceError."""
        found: list[dict[str, Any]] = self._call("GET", "site/changes", None)["changes"]
        return found

    def forget_change(self, name: str) -> list[str]:
        """Undo one; gives the boards that have to be provisioned again. Raises DeviceError."""
        boards: list[str] = self._call("DELETE", f"site/changes/{quote(name)}", None)["provision"]
        return boards

    def board(self, board_id: str) -> dict[str, Any]:
        """A board as it is now. Raises DeviceError."""
        return self._call("GET", f"boards/{board_id}", None)

    def _call(self, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        url = f"{self._url}/api/v1/{path}"
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, content, headers, method=method)
        try:
            with self._opener.open(request, timeout=_TIMEOUT_S) as response:
                document: dict[str, Any] = json.loads(response.read() or b"{}")
        except urllib.error.HTTPError as error:
            with error:
                raise DeviceError(f"{url}: {_problem(error)}", _way_out(error.code)) from None
        except (http.client.HTTPException, ValueError) as error:
            raise DeviceError(
                f"{url}: what answers is no coordinator",
                "give the address of its page with --api",
            ) from error
        except OSError as error:
            raise DeviceError(
                f"{url}: the coordinator does not answer: {error}",
                "start it with `headroom serve`, or give its address with --api",
            ) from error
        return document


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        whole = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # a port that is no number, or half an IPv6 address
        whole = False
    if not whole:
        raise DeviceError(
            f"{url!r} is no address of a coordinator",
            "give that of its page with --api: http://127.0.0.1:8080 or https://HOST",
        )
    return parts


def _problem(error: urllib.error.HTTPError) -> str:
    try:
        problem = json.loads(error.read())
        return str(problem.get("detail") or problem["title"])
    except (ValueError, KeyError, AttributeError):
        return f"HTTP {error.code}"


def _way_out(status: int) -> str:
    if status in (401, 403):
        return "give the token of an admin with --token-file"
    if status == 404:
        return (
            "add the board by API, or put it into the site file that the coordinator is started "
            "with; `headroom site changes` names what was changed since"
        )
    return "see what `headroom doctor` says"
