"""`socket` of the ESP8266 port for numeric addresses, over the virtual network.

Errors carry lwIP's errno values.
"""

import io

import _board
import uctypes

AF_INET = 2
SOCK_STREAM = 1
SOCK_DGRAM = 2
SOL_SOCKET = 1
SO_REUSEADDR = 4
IPPROTO_IP = 0
IP_ADD_MEMBERSHIP = 1024
IP_DROP_MEMBERSHIP = 1025
_EAGAIN = 11
_addressof = uctypes.addressof


def _checked(result):
    if result < 0:
        raise OSError(-result)
    return result


def getaddrinfo(host, port, *rest):
    return [(AF_INET, SOCK_STREAM, 0, "", (host, port))]


class socket(io.IOBase):
    def __init__(self, af=AF_INET, type=SOCK_STREAM, proto=0, handle=-1):
        if handle >= 0:
            self._handle = handle
            return
        if type not in (SOCK_STREAM, SOCK_DGRAM):
            raise OSError(22)
        kind = "socket" if type == SOCK_STREAM else "datagram_socket"
        self._handle = _checked(_board.call(kind, 0, 0, 0))

    def fileno(self):
        return self._handle

    def setblocking(self, flag):
        self.settimeout(None if flag else 0)

    def settimeout(self, seconds):
        if seconds != 0:
            raise OSError(95)  # the virtual network has non-blocking sockets only

    def setsockopt(self, level, option, value):
        if option in (IP_ADD_MEMBERSHIP, IP_DROP_MEMBERSHIP):
            if len(value) != 8:
                raise ValueError
            group = ".".join(str(number) for number in bytes(value)[:4])
            join = int(option == IP_ADD_MEMBERSHIP)
            _checked(_board.call("membership", self._handle, group, join))

    def bind(self, address):
        _checked(_board.call("bind", self._handle, address[0], address[1]))

    def listen(self, backlog=1):
        _checked(_board.call("listen", self._handle, backlog, 0))

    def accept(self):
        handle = _checked(_board.call("accept", self._handle, 0, 0))
        return socket(handle=handle), ("192.168.4.9", 50000)

    def connect(self, address):
        _checked(_board.call("connect", self._handle, address[0], address[1]))

    def send(self, data):
        return _checked(_board.send("send", self._handle, _addressof(data), len(data)))

    write = send

    def sendto(self, data, address):
        _board.call("send_to", self._handle, address[0], address[1])
        return self.send(data)

    def readinto(self, buf, nbytes=-1):
        length = len(buf) if nbytes < 0 else nbytes
        got = _board.receive("recv", self._handle, _addressof(buf), length)
        return None if got == -_EAGAIN else _checked(got)

    def recv(self, length):
        buf = bytearray(length)
        return bytes(
            buf[: _checked(_board.receive("recv", self._handle, _addressof(buf), length))]
        )

    def recvfrom(self, length):
        data = self.recv(length)
        host, port = _board.call("source", self._handle, 0, 0).split(":")
        return data, (host, int(port))

    def recv_into(self, buf, nbytes=0):
        return _checked(_board.receive("recv", self._handle, _addressof(buf), nbytes or len(buf)))

    def close(self):
        if self._handle >= 0:
            _board.call("close", self._handle, 0, 0)
            self._handle = -1

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()
