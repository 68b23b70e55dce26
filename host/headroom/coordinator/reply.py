"""What goes back to a board: an answer or a refusal, signed if the report's signature was."""

from dataclasses import dataclass

from headroom.protocol.problems import MEDIA_TYPE, ProblemError
from headroom.protocol.signing import sign_answer


@dataclass(frozen=True)
class Reply:
    """Status, body and signature of one HTTP response; signature None for unsigned refusals."""

    status: int
    body: bytes
    media_type: str
    signature: str | None


@dataclass(frozen=True)
class Signer:
    """Signs replies to one report, so that they fit no other."""

    key: bytes
    report_signature: str

    def answer(self, body: bytes) -> Reply:
        """The answer to an accepted report."""
        return self._signed(200, body, "application/json")

    def refusal(self, problem: ProblemError, last_boot: int) -> Reply:
        """A refusal that names the last accepted boot, so that a restored board can jump above."""
        return self._signed(problem.kind.status, problem.encode(last_boot=last_boot), MEDIA_TYPE)

    def _signed(self, status: int, body: bytes, media_type: str) -> Reply:
        signature = sign_answer(self.key, self.report_signature, status, body)
        return Reply(status, body, media_type, signature)


def unsigned_refusal(problem: ProblemError) -> Reply:
    """A refusal to somebody who has not shown that he holds a board's key."""
    return Reply(problem.kind.status, problem.encode(), MEDIA_TYPE, None)
