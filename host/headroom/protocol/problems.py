"""Errors over HTTP as RFC 9457 problem documents, each with a stable type."""

import json
from dataclasses import dataclass
from http import HTTPStatus

MEDIA_TYPE = "application/problem+json"
# `.invalid` never resolves: the type is a name to compare, not an address to visit.
_TYPE_BASE = "https://headroom.invalid/problems/"


@dataclass(frozen=True)
class ProblemType:
    """A kind of problem: the last part of its type URI, its HTTP status and its title."""

    slug: str
    status: int
    title: str

    @property
    def uri(self) -> str:
        """The problem's `type` member."""
        return _TYPE_BASE + self.slug


BAD_REQUEST = ProblemType("bad-request", 400, "This is not HTTP as it is spoken here")
MALFORMED = ProblemType("malformed", 400, "The message is malformed")
UNSIGNED = ProblemType("unsigned", 401, "The report is not signed by a known board")
TOKEN_REQUIRED = ProblemType("token-required", 401, "A valid token or session is required")
ROLE_REQUIRED = ProblemType("role-required", 403, "The role of this token is too small")
CSRF_REQUIRED = ProblemType("csrf-required", 403, "A session's changes need its CSRF token")
NOT_FOUND = ProblemType("not-found", 404, "Not Found")
NO_SUCH_FEEDER = ProblemType("no-such-feeder", 404, "There is no such feeder on this site")
NO_SUCH_BOARD = ProblemType("no-such-board", 404, "There is no such board on this site")
NO_SUCH_CIRCUIT = ProblemType("no-such-circuit", 404, "The board has no such circuit")
NO_SUCH_ORDER = ProblemType("no-such-order", 404, "Nothing of that kind is ordered")
NO_SUCH_CHANGE = ProblemType("no-such-change", 404, "Nothing of that name was changed")
NO_SUCH_TOKEN = ProblemType("no-such-token", 404, "Nobody of that name has a token")
METHOD_NOT_ALLOWED = ProblemType("method-not-allowed", 405, "Method Not Allowed")
REPLAYED = ProblemType("replayed", 409, "The report is not newer than the last accepted one")
SCHEDULE_MISMATCH = ProblemType(
    "schedule-mismatch", 409, "The circuits of one board share start and step"
)
BOARD_REPORTS = ProblemType("board-reports", 409, "The board reports, so it is still there")
NO_ROOM_YET = ProblemType("no-room-yet", 409, "Leases granted leave no room for it yet")
LENGTH_REQUIRED = ProblemType("length-required", 411, "Content-Length is required")
TOO_LARGE = ProblemType("too-large", 413, "The message is too large")
NOT_JSON = ProblemType("not-json", 415, "The body is not declared as JSON")
HOST_REFUSED = ProblemType("host-refused", 421, "This server is not known by that host name")
NOT_POSSIBLE = ProblemType("not-possible", 422, "What was asked for cannot be done")
TOO_MANY_REQUESTS = ProblemType("too-many-requests", 429, "Too many requests in a short time")
HEADERS_TOO_LARGE = ProblemType("headers-too-large", 431, "The headers are too large")
INTERNAL = ProblemType("internal-server-error", 500, "Internal Server Error")
NOT_IMPLEMENTED = ProblemType("not-implemented", 501, "Not Implemented")
TOO_MANY_STREAMS = ProblemType("too-many-streams", 503, "Too many watch the live state already")
SUPERSEDED = ProblemType("superseded", 503, "Another coordinator acts in place of this one")
STORE_UNAVAILABLE = ProblemType("store-unavailable", 503, "The store cannot be written or read")

ALL = tuple(value for value in list(globals().values()) if isinstance(value, ProblemType))
# What a status says that the server or the framework gives by itself.
_BY_STATUS = {
    kind.status: kind
    for kind in (
        BAD_REQUEST,
        NOT_FOUND,
        METHOD_NOT_ALLOWED,
        LENGTH_REQUIRED,
        TOO_LARGE,
        HEADERS_TOO_LARGE,
        INTERNAL,
        NOT_IMPLEMENTED,
    )
}


class ProblemError(Exception):
    """One occurrence of a problem; raised by rules, rendered once at the edge."""

    def __init__(self, kind: ProblemType, detail: str, retry_after_s: int | None = None) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.retry_after_s = retry_after_s

    def document(self) -> dict[str, object]:
        """The problem as RFC 9457 writes it."""
        return {
            "type": self.kind.uri,
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": self.detail,
        }

    def encode(self, **extensions: int) -> bytes:
        """The problem document, with further members if given."""
        return json.dumps(self.document() | extensions, separators=(",", ":")).encode()


def of_status(status: int, detail: str) -> ProblemError:
    """A problem that says no more than its HTTP status does (404, 405, 500 and the like)."""
    title = HTTPStatus(status).phrase
    unlisted = ProblemType(title.lower().replace(" ", "-"), status, title)
    return ProblemError(_BY_STATUS.get(status, unlisted), detail)
