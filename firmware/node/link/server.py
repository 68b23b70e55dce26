"""The board's own HTTP: /health, /metrics and /charge for those on its network.

One client at a time, one state a step, and only while the link's own client is idle: the two share
one buffer, and a report that falls due waits for this one's deadline at most. Who is slow, silent,
broken or sends too much is dropped or refused; whatever goes wrong ends that connection, is
counted and named, and goes no further.

What an answer needs is loaded for it and dropped with it (`pages`, `charge`). Answers are sent in
chunks, so that one that breaks off is seen to be incomplete.
"""

import errno
import json
import sys

from micropython import const

from node import link
from node.link.client import header

# From accepting to the last byte: the longest page at the slowest ticks takes 2.4 s.
_DEADLINE_MS = const(3000)
_TRY_AGAIN_S = const(60)
# With a browser's headers; a charge order is 300 bytes.
_REQUEST_BYTES = const(1024)
# One waits while one is served.
_BACKLOG = const(2)
# A chunk's length stands before it, in three hex digits. The largest text is 900 bytes. Smaller
# chunks could fill lwIP's queue of pieces before its 2920 bytes, and then `send` waits, although
# the socket does not block (lwip_tcp_send in modlwip.c).
_CHUNK_AT = const(5)
_CHUNK_FULL = const(600)
_POLLIN = const(1)


class Server:
    def __init__(self, config, key, hardware, app, buffer):
        """`key` is that of charge orders, empty for none; `buffer` is used while `busy` only."""
        self.board_id = config["id"].encode()
        self.port, self.charge_hours = config["http"]["port"], config["http"]["charge_hours"]
        self.key = key
        self.busy = False
        codes = (200, 400, 401, 403, 404, 405, 409, 411, 413, 503)
        self.responses = dict.fromkeys(codes, 0)
        self.errors = 0
        self.last_error = ""
        self._app = app
        self._network = hardware.network
        self._buffer = buffer
        self._view = memoryview(buffer)
        self._socket = self._listener = self._poller = self._parts = None
        self._rest = self._state = self._listen
        self._left_ms = 0
        self._listen_s = 0
        self._at = 0
        self._end = 0
        self._given = None

    def step(self):
        try:
            if self.busy:
                self._left_ms -= self._app.clock.gap_ms
                if self._left_ms < 0:
                    raise OSError(errno.ETIMEDOUT)
            self._state()
        except Exception as error:
            self.errors += 1
            self._close()
            self.last_error = type(error).__name__
            self.last_error = "%s: %s" % (self.last_error, error)

    def _close(self):
        """Without a new object first: it may be for want of memory that a client is given up."""
        socket = self._socket
        self._socket = self._given = self._parts = None
        self.busy = False
        self._state = self._rest
        if socket:
            socket.close()

    def _listen(self):
        up_s = self._app.clock.up_s
        if up_s < self._listen_s:
            return
        self._listen_s = up_s + _TRY_AGAIN_S
        self._listener = self._network.socket()
        self._listener.setblocking(False)
        self._listener.bind(("", self.port))
        self._listener.listen(_BACKLOG)
        poller = self._network.poller()
        poller.register(self._listener, _POLLIN)
        self._poller = poller
        self._rest = self._state = self._accept

    def _accept(self):
        if self._poller.poll(0):
            self._socket = self._listener.accept()[0]
            self._socket.setblocking(False)
            self.busy = True
            self._left_ms = _DEADLINE_MS
            self._at = 0
            self._state = self._receive

    def _receive(self):
        count = self._socket.readinto(self._view[self._at : _REQUEST_BYTES])
        if count is None:
            return
        if not count:
            raise OSError(errno.ECONNRESET)
        self._at += count
        body_at = self._buffer.find(b"\r\n\r\n", 0, self._at) + 4
        if body_at >= 4:
            self._route(body_at)
        if self._at == _REQUEST_BYTES and not (self._given or self._parts):
            self.refuse(413, "too-large", "at most %d bytes with headers" % _REQUEST_BYTES)

    def _route(self, body_at):
        """Once all of the head is there, and again with each piece of a body."""
        lines = bytes(self._view[:body_at]).split(b"\r\n")
        words = lines[0].split(b" ")
        path = words[1] if len(words) == 3 else b""
        length = header(lines, b"content-length")
        end = body_at + (int(length) if length.isdigit() else 0)
        if path not in (b"/health", b"/metrics", b"/charge"):
            self.refuse(404, "not-found", "there are /health, /metrics and /charge")
        elif words[0] != (b"POST" if path == b"/charge" else b"GET"):
            self.refuse(405, "method-not-allowed", "GET /health, GET /metrics, POST /charge")
        elif path == b"/charge" and end == body_at:
            self.refuse(411, "length-required", "Content-Length is missing")
        elif self._at >= end:
            self._given = path, self._view[body_at:end], header(lines, b"headroom-signature")
            self._state = self._load

    def _load(self):
        """What is loaded here is forgotten here: it lasts as long as the answer it has begun."""
        path, body, claim = self._given
        if path == b"/charge":
            from node.link import charge

            del sys.modules["node.link.charge"], link.charge
            self._parts = charge.obey(self._app, self, body, claim)
            self._state = self._think
        else:
            from node.link import pages

            del sys.modules["node.link.pages"], link.pages
            (pages.health if path == b"/health" else pages.metrics)(self._app, self)

    def _think(self):
        """One step of what ends with an answer."""
        for _ in self._parts:
            return

    def refuse(self, status, kind, detail, **more):
        """Answers with a problem in the form of RFC 9457."""
        more["type"] = "https://headroom.invalid/problems/" + kind
        more["status"] = status
        more["detail"] = detail
        self.answer(status, "application/problem+json", (json.dumps(more),))

    def answer(self, status, media_type, parts):
        """`parts` is an iterable of texts; each is made when the one before has gone."""
        self.responses[status] += 1
        self._parts = iter(parts)
        head = (
            "HTTP/1.1 %d \r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n"
            "Connection: close\r\n\r\n"
        ) % (status, media_type)
        self._put(head.encode(), 0)
        self._state = self._send

    def _put(self, data, at):
        self._end = at + len(data)
        self._buffer[at : self._end] = data
        self._at = 0

    def _send(self):
        try:
            self._at += self._socket.send(self._view[self._at : self._end])
        except OSError as error:
            if error.errno != errno.EAGAIN:
                raise
        if self._at == self._end:
            self._state = self._write if self._parts else self._close

    def _write(self):
        """One chunk: as many texts as a step can make."""
        end = _CHUNK_AT
        for text in self._parts:
            data = text.encode()
            self._buffer[end : end + len(data)] = data
            end += len(data)
            if end > _CHUNK_FULL:
                break
        self._put(b"%03x\r\n" % (end - _CHUNK_AT), 0)
        self._buffer[end : end + 2] = b"\r\n"
        self._end = end + 2
        if end == _CHUNK_AT:
            self._parts = None
        self._state = self._send
        self._send()
