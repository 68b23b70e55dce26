"""`select.poll` over the virtual network's sockets."""

import _board

POLLIN = 1
POLLOUT = 4
POLLERR = 8
POLLHUP = 16


class poll:
    def __init__(self):
        self._sockets = []

    def register(self, sock, mask=POLLIN | POLLOUT):
        self.unregister(sock)
        self._sockets.append((sock, mask))

    modify = register

    def unregister(self, sock):
        self._sockets = [entry for entry in self._sockets if entry[0] is not sock]

    def poll(self, timeout=-1):
        return list(self.ipoll(timeout))

    def ipoll(self, timeout=-1, flags=0):
        if timeout != 0:
            raise OSError(
                95
            )  # waiting in a poll would hold up the tick: the virtual board refuses
        for sock, mask in self._sockets:
            events = _board.call("poll", sock.fileno(), 0, 0) & (mask | POLLERR | POLLHUP)
            if events:
                yield sock, events
