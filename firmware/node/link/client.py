"""The HTTP client: one report up, one answer down, a connection each, one state a step.

Nothing here waits. The address is numeric, the socket does not block, and a state that finds
nothing to do comes back at the next step. One buffer serves both ways: a report is in it until it
is sent, the answer after that. Whatever goes wrong is raised; the caller passes it to `failed`,
which closes the socket, counts and names the error. One lost report is made up for soon, because
a lease may hang on it; after more failures in a row the tries get as rare as reports are.

A report is never sent twice: its events and minutes are in the next one until they are
acknowledged, and each has an id of its own. So the first send of a sequence is its only one.
"""

import errno

from micropython import const

from node import drop
from node.link import MessageError

# The headers of a report end where its body starts: 261 bytes with the longest id and address.
# An answer has 512 bytes for its own.
_BODY_AT = const(272)
_HEAD_LONGEST = const(640)
_BUFFER_BYTES = const(2048)
_ANSWER_LONGEST = const(1536)
_MOST_DOUBLINGS = const(12)
# Of the tries after those, one in so many asks the gateway whether the Wi-Fi works at all.
_ASKS_GATEWAY = const(4)
_GATEWAY_PORT = const(80)
# Between reports while old minutes wait: half a day of them is delivered in seven minutes.
_BEHIND_S = const(2)
# Beacons may ask for a report every three seconds in the long run, and for five of them at once
# after a quiet time: an order takes two, the second says that it is obeyed.
_SPACING_S = const(3)
_SAVED_S = const(12)

_POLLOUT = const(4)
_POLLERR_HUP = const(24)


class Client:
    def __init__(self, settings, board_id, signer, network, storage, parts):
        """`network` offers socket(), poller() and randint(); `parts` is what a report tells of.

        `parts.obey(answer, sent_s)` is called with each answer that is right.
        """
        self._address = (settings["host"], settings["port"])
        self._report_s = settings["report_s"]
        self._timeout_s = settings["timeout_s"]
        self._id = board_id.encode()
        self._signer = signer
        self._network = network
        self._storage = storage
        self._parts = parts
        self._clock = parts.clock
        self.buffer = bytearray(_BUFFER_BYTES)
        self._view = memoryview(self.buffer)
        # Loaded or made for one report, or one answer, and dropped with it.
        self._report = self._answer = None
        self._socket = None
        self._poller = None
        self._state = self._idle
        self._busy = False
        self.server = None
        # When something last came in, be it that nobody listens there, be it from the gateway or
        # a client of the board's own server: so the Wi-Fi works.
        self.heard_s = 0
        self._seq = 0
        self._sent_s = 0
        self._due_s = self._clock.up_s + network.randint(0, 2)
        # From when on a beacon may ask for the next report.
        self._free_s = -_SAVED_S
        self._failures = 0
        self._signature = b""
        self._claim = b""
        self.beacon = None
        self._at = 0
        self._end = 0
        self._status = 0
        self.answers = 0
        self.errors = 0
        self.refused = 0
        self.last_error = ""

    def step(self):
        if self._busy and self._clock.up_s - self._sent_s > self._timeout_s:
            raise OSError(errno.ETIMEDOUT)
        self._state()

    def failed(self, error):
        """After anything that `step` raised."""
        self._close()
        self.errors += 1
        if isinstance(error, MessageError):
            self.refused += 1
        self._failures = min(self._failures + 1, _MOST_DOUBLINGS)
        self._wait(min(1 << self._failures, self._report_s))
        # Last, because a text needs memory, and that may be what went wrong.
        self.last_error = type(error).__name__
        self.last_error = "%s: %s" % (self.last_error, error)

    def _wait(self, wait_s):
        """Jitter of a quarter keeps boards that lost one coordinator from coming back as one."""
        self._due_s = self._clock.up_s + wait_s + self._network.randint(0, wait_s // 4)
        self._state = self._idle
        self._busy = False

    def _close(self):
        if self._socket:
            self._socket.close()
        self._socket = self._poller = None
        self._report = self._answer = None

    def _idle(self):
        """A report that is due waits for the board's own server to end what it has begun."""
        server = self.server
        if not (server and server.busy):
            if self.beacon and self.beacon.step():
                self._due_s = min(self._due_s, self._free_s)
            if self._clock.up_s >= self._due_s:
                self._state = self._begin
                return
        if server:
            server.step()
            if server.busy:
                self.heard_s = self._clock.up_s

    def _begin(self):
        from node.link import report

        drop(report)
        self._report = report.Report(self.buffer, _BODY_AT, self._parts)
        self._seq += 1
        up_s = self._sent_s = self._clock.up_s
        self._free_s = min(max(self._free_s, up_s - _SAVED_S), up_s) + _SPACING_S
        self._busy = True
        self._parts.forget_ended_orders()
        self._report.write_head(self._storage.boot, self._seq)
        self._state = self._write_rest

    def _write_rest(self):
        self._report.write_events()
        self._report.write_minutes()
        self._state = self._sign

    def _sign(self):
        self._end = self._report.end
        self._report = None
        body = self._view[_BODY_AT : self._end]
        self._signature = self._signer.sign(b"report\n", self._id, b"\n", body)
        head = (
            "POST /api/v1/boards/%s/reports HTTP/1.1\r\nHost: %s:%d\r\n"
            "Content-Type: application/json\r\nContent-Length: %d\r\n"
            "Connection: close\r\nHeadroom-Signature: %s\r\n\r\n"
        ) % ((self._id.decode(),) + self._address + (len(body), self._signature.decode()))
        self._at = _BODY_AT - len(head)
        self.buffer[self._at : _BODY_AT] = head.encode()
        self._state = self._connect

    def _connect(self):
        self._socket = self._network.socket()
        self._socket.setblocking(False)
        try:
            self._socket.connect(self._target())
        except OSError as error:
            if error.errno != errno.EINPROGRESS:
                raise
        self._poller = self._network.poller()
        self._poller.register(self._socket, _POLLOUT)
        self._state = self._send

    def _target(self):
        """Mostly the coordinator; nothing is ever sent to the gateway."""
        if self._failures < _MOST_DOUBLINGS or self._seq % _ASKS_GATEWAY:
            return self._address
        return self._parts.wifi.gateway(), _GATEWAY_PORT

    def _is_connected(self):
        ready = self._poller.poll(0)
        if not ready:
            return False
        self.heard_s = self._clock.up_s
        if ready[0][1] & _POLLERR_HUP:
            raise OSError(errno.ECONNREFUSED)
        if self._target() is not self._address:
            raise OSError("only the gateway answers")
        self._poller = None
        return True

    def _send(self):
        if self._poller and not self._is_connected():
            return
        try:
            self._at += self._socket.send(self._view[self._at : self._end])
        except OSError as error:
            if error.errno != errno.EAGAIN:
                raise
        if self._at == self._end:
            self._at = 0
            self._state = self._receive

    def _receive(self):
        """Until the other side closes: the report asked for that, and mostly it has by now."""
        for _ in range(2):
            if self._at == _BUFFER_BYTES:
                raise MessageError("answer: too long")
            count = self._socket.readinto(self._view[self._at :])
            if count is None:
                return
            if not count:
                self._close()
                self._state = self._read_head
                return
            self._at += count

    def _read_head(self):
        """A step of its own: its garbage and that of the signature together are 3 KiB."""
        self._end = self._at
        head = bytes(self._view[: min(self._end, _HEAD_LONGEST)])
        self._at = head.find(b"\r\n\r\n") + 4
        if self._at < 4:
            raise MessageError("answer: no end of headers")
        if self._end - self._at > _ANSWER_LONGEST:
            raise MessageError("answer: too long")
        lines = head[: self._at].split(b"\r\n")
        self._status = _status(lines[0])
        self._claim = header(lines, b"headroom-signature")
        self._state = self._verify

    def _verify(self):
        """The signature covers status and body, so an answer cut short cannot pass either."""
        body = self._view[self._at : self._end]
        status = b"%d" % self._status
        parts = (b"answer\n", self._signature, b"\n", status, b"\n", body)
        if not self._signer.is_signed(self._claim, *parts):
            raise MessageError("answer %d: not signed by the coordinator" % self._status)
        self._state = self._prepare

    def _prepare(self):
        from node.link import answer

        drop(answer)
        self._answer = answer
        self._state = self._hand_over

    def _hand_over(self):
        answer, self._answer = self._answer, None
        body = self._view[self._at : self._end]
        if self._status == 409:
            self._jump_above(answer.last_boot(body))
        elif self._status != 200:
            raise OSError("refused with status %d" % self._status)
        else:
            count = self._parts.relays.count
            self._answer = answer.Answer(body, self._storage.boot, self._seq, count)
            self._state = self._obey

    def _obey(self):
        """A step of its own, when the garbage of reading the answer is gone."""
        answer, self._answer = self._answer, None
        parts = self._parts
        is_new = parts.obey(answer, self._sent_s)
        if self.beacon:
            self.beacon.answered(answer.beacon)
        wait_s = 0 if is_new else self._report_s
        if parts.blocks.busy():
            wait_s = min(wait_s, _BEHIND_S)
        self._wait(wait_s)
        self._failures = 0
        self.answers += 1

    def _jump_above(self, boot):
        """The coordinator knows a higher boot of this board: flash was restored."""
        self._storage.count_boot(above=boot)
        raise OSError("boot counter raised above %d" % boot)


def _status(line):
    words = line.split(b" ")
    if len(words) < 2 or not words[1].isdigit():
        raise MessageError("answer: no status")
    return int(words[1])


def header(lines, name):
    for line in lines[1:]:
        if line[: len(name)].lower() == name:
            return line[len(name) + 1 :].strip()
    return b""
