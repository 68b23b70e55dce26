"""A small honest board for tests: signs reports and checks answers as PROTOCOL.md says.

Its signing is its own, from hmac and hashlib, so that a mistake in `headroom.protocol.signing`
cannot hide behind itself. How a request travels is handed in as `post`.
"""

import hashlib
import hmac
import http.client
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from werkzeug.test import Client

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

# (path, headers, body) -> (status, signature header or "", body)
Post = Callable[[str, dict[str, str], bytes], tuple[int, str, bytes]]


@dataclass(frozen=True)
class Response:
    """What came back; `signed` says whether its signature fits the report."""

    status: int
    document: dict[str, Any]
    signed: bool


def posts_to_app(app: "WSGIApplication") -> Post:
    """Requests handed to a WSGI application in this process."""

    def post(path: str, headers: dict[str, str], body: bytes) -> tuple[int, str, bytes]:
        address = {"REMOTE_ADDR": "127.0.0.1"}
        response = Client(app).post(path, headers=headers, data=body, environ_base=address)
        return response.status_code, response.headers.get("Headroom-Signature", ""), response.data

    return post


def posts_to_address(address: str) -> Post:
    """Requests over TCP to HOST:PORT, one connection each, as a board does."""
    host, _, port = address.rpartition(":")

    def post(path: str, headers: dict[str, str], body: bytes) -> tuple[int, str, bytes]:
        connection = http.client.HTTPConnection(host, int(port), timeout=10)
        try:
            connection.request("POST", path, body, headers)
            response = connection.getresponse()
            return response.status, response.getheader("Headroom-Signature", ""), response.read()
        finally:
            connection.close()

    return post


@dataclass
class BoardClient:
    """One board: its key, its (boot, seq) and the plan that it obeys."""

    board_id: str
    key: bytes
    post: Post
    boot: int = 1
    seq: int = 0
    epoch: int = 0
    rev: int = 0
    lease_seq: int = 0
    limit_ma: list[int] = field(default_factory=lambda: [5000, 0, 0])
    circuits: list[list[Any]] = field(default_factory=lambda: [[1000, 20, "ok", 1, "default"]])
    plan: dict[str, Any] | None = None

    def report(self, **changes: Any) -> Response:
        """Send the next report, obey its answer, and give what came back."""
        self.seq += 1
        response = self.send(self.body(**changes))
        if response.status == 200 and response.signed:
            self._obey(response.document)
        return response

    def body(self, **changes: Any) -> bytes:
        """The report as it would be sent now, with some keys changed."""
        report = {
            "v": 1,
            "boot": self.boot,
            "seq": self.seq,
            "up_s": 10 * self.seq,
            "fw": "0.1.0",
            "reset": "power_on",
            "epoch": self.epoch,
            "rev": self.rev,
            "limit_ma": self.limit_ma,
            "lease_seq": self.lease_seq,
            "circuits": self.circuits,
            "events": [],
            "minutes": [],
            "lost": [0, 0],
            "heap_free": 12000,
            "beacon": [0, 0],
            "tick": [31, 0],
            "refused": 0,
        }
        return json.dumps(report | changes, separators=(",", ":")).encode()

    def send(self, body: bytes, signature: str | None = None) -> Response:
        """Send any body under this board's signature, or under another."""
        signature = self.sign(body) if signature is None else signature
        headers = {"Content-Type": "application/json", "Headroom-Signature": signature}
        path = f"/api/v1/boards/{self.board_id}/reports"
        status, answered, answer = self.post(path, headers, body)
        expected = self._hmac(b"answer\n%s\n%d\n" % (signature.encode(), status) + answer)
        return Response(status, json.loads(answer), hmac.compare_digest(answered, expected))

    def sign(self, body: bytes) -> str:
        """The signature of a report."""
        return self._hmac(b"report\n%s\n" % self.board_id.encode() + body)

    def restart(self) -> None:
        """Start anew: a higher boot, no plan, the safe limit."""
        self.boot, self.seq, self.lease_seq = self.boot + 1, 0, 0
        self.epoch, self.rev = 0, 0

    def _obey(self, answer: dict[str, Any]) -> None:
        self.epoch, self.rev = answer["epoch"], answer["rev"]
        self.limit_ma, self.lease_seq = answer["lease_ma"], answer["seq"]
        self.plan = answer.get("plan", self.plan)

    def _hmac(self, message: bytes) -> str:
        return hmac.new(self.key, message, hashlib.sha256).hexdigest()
