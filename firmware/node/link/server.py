"""The board's own HTTP: /health, /metrics and /charge for those on its network.

One client at a time, one step a tick, and only while the link's own client is idle: the two share
one buffer, and a report that falls due waits for this one's deadline at most. Who is slow, silent
or broken is dropped; whatever goes wrong ends that connection, is counted and named, and goes no
further. What serves a client is loaded for it and dropped with it (`visit`, `pages`, `charge`).
"""

import errno

from micropython import const

from node import drop

# From accepting to the last byte: the longest page at the slowest ticks takes 2.6 s.
_DEADLINE_MS = const(3000)
_TRY_AGAIN_S = const(60)
# One waits while one is served.
_BACKLOG = const(2)
_POLLIN = const(1)


class Server:
    def __init__(self, config, key, hardware, app, buffer):
        """`key` is that of charge orders, empty for none; `buffer` is used while `busy` only."""
        self.board_id = config["id"].encode()
        self.port, self.charge_hours = config["http"]["port"], config["http"]["charge_hours"]
        self.key = key
        self.buffer = buffer
        self.busy = False
        self.responses = {}  # how often each status was answered
        self.errors = 0
        self.last_error = ""
        self._app = app
        self._network = hardware.network
        self._listener = self._poller = self._socket = self._visit = None
        self._listen_s = 0
        self._left_ms = 0

    def step(self):
        try:
            if self.busy:
                self._serve()
            elif self._poller:
                self._accept()
            elif self._app.clock.up_s >= self._listen_s:
                self._listen()
        except Exception as error:
            self.errors += 1
            self._close()
            # Last, because a text needs memory, and that may be what went wrong.
            self.last_error = type(error).__name__
            self.last_error = "%s: %s" % (self.last_error, error)

    def _listen(self):
        self._listen_s = self._app.clock.up_s + _TRY_AGAIN_S
        self._listener = self._network.socket()
        self._listener.setblocking(False)
        self._listener.bind(("", self.port))
        self._listener.listen(_BACKLOG)
        poller = self._network.poller()
        poller.register(self._listener, _POLLIN)
        self._poller = poller

    def _accept(self):
        if self._poller.poll(0):
            self._socket = self._listener.accept()[0]
            self._socket.setblocking(False)
            self._left_ms = _DEADLINE_MS
            self.busy = True

    def _serve(self):
        self._left_ms -= self._app.clock.gap_ms
        if self._left_ms < 0:
            raise OSError(errno.ETIMEDOUT)
        if not self._visit:
            from node.link import visit

            drop(visit)
            self._visit = visit.visit(self, self._app, self._socket)
        for _ in self._visit:
            return
        self._close()

    def _close(self):
        socket = self._socket
        self._socket = self._visit = None
        self.busy = False
        if socket:
            socket.close()
