"""The far side of the link for tests: answers reports as PROTOCOL.md says, or worse on purpose."""

import json

from node.link.signing import Signer

KEY = bytes(range(32))
NOW = 1_790_000_000


class Coordinator:
    def __init__(self):
        self.signer = Signer(KEY)
        self.reports = []
        self.changes = {}
        self.epoch = 3
        self.rev = 7
        self.slots = ["1", "1", "1", "1"]
        self.overrides = []
        self.refusal = None
        self.spoil = None
        self.body_bytes = 0  # an answer is filled up to this with blanks

    def __call__(self, request):
        head, body = request.split(b"\r\n\r\n", 1)
        signature = head.split(b"Headroom-Signature: ")[1].split(b"\r\n")[0]
        board = head.split(b"/")[4]
        assert self.signer.sign(b"report\n", board, b"\n", body) == signature
        assert len(body) <= 1536
        assert b"Content-Length: %d\r\n" % len(body) in head
        report = json.loads(body)
        self.reports.append(report)
        status, answer = self.refusal or (200, self.answer(report))
        body = json.dumps(answer).encode()
        body += b" " * max(self.body_bytes - len(body), 0)
        return self.frame(status, body, signature)

    def answer(self, report):
        answer = {
            "v": 1,
            "boot": report["boot"],
            "seq": report["seq"],
            "time": NOW + report["up_s"],
            "valid_s": 900,
            "lease_ma": [12_000, 0, 0],
            "lease_s": 30,
            "epoch": self.epoch,
            "rev": self.rev,
            "ack_event": report["events"][-1][0] if report["events"] else 0,
            "ack_minutes": [minute[:2] for minute in report["minutes"]],
        }
        if (report["epoch"], report["rev"]) != (self.epoch, self.rev):
            answer["plan"] = {
                "start": NOW,
                "step_s": 900,
                "slots": self.slots,
                "overrides": self.overrides,
            }
        answer.update(self.changes)
        return answer

    def frame(self, status, body, signature):
        signed = self.signer.sign(b"answer\n", signature, b"\n", b"%d" % status, b"\n", body)
        if self.spoil:
            body, signed = self.spoil(body, signed)
        return (
            b"HTTP/1.1 %d OK\r\nContent-Length: %d\r\nHeadroom-signature: %s\r\n"
            b"Content-Type: application/json\r\n\r\n" % (status, len(body), signed)
        ) + body
