"""The network as the board sees it: the coordinator, visitors, datagrams, the station."""

import errno


class Socket:
    """One connection to `server`, a function from the request's bytes to the answer's.

    `server` may return None: it never answers. `chunk` bytes go at a time.
    """

    def __init__(self, network):
        self._network = network
        self._in = b""
        self._out = None
        self.closed = False

    def setblocking(self, flag):
        assert not flag

    def connect(self, address):
        self._network.asked.append(address)
        raise OSError(115, "in progress")

    def bind(self, address):
        if self._network.taken:
            raise OSError(98, "address in use")
        self._network.port = address[1]

    def listen(self, _backlog):
        self._network.listener = self

    def accept(self):
        return self._network.visitors.pop(0), ("192.168.4.9", 50_000)

    def send(self, data):
        part = bytes(data)[: self._network.chunk]
        self._in += part
        return len(part)

    def readinto(self, buffer):
        if self._out is None:
            self._out = self._network.server(self._in)
            return None
        part = self._out[: min(self._network.chunk, len(buffer))]
        self._out = self._out[len(part) :]
        buffer[: len(part)] = part
        return len(part)

    def close(self):
        self.closed = True


class Visitor:
    """Somebody who asks the board: what it says in pieces, how much it takes at a time."""

    def __init__(self, *pieces, takes=1460, ends=False):
        self._pieces = list(pieces)
        self._takes = takes
        self._ends = ends
        self.got = b""
        self.closed = False

    def setblocking(self, flag):
        assert not flag

    def readinto(self, buffer):
        if not len(buffer) or not self._pieces:
            return 0 if self._ends or not len(buffer) else None
        part = self._pieces[0][: len(buffer)]
        self._pieces[0] = self._pieces[0][len(part) :]
        if not self._pieces[0]:
            self._pieces.pop(0)
        buffer[: len(part)] = part
        return len(part)

    def send(self, data):
        if not self._takes:
            raise OSError(errno.EAGAIN, "no room")
        part = bytes(data)[: self._takes]
        self.got += part
        return len(part)

    def close(self):
        self.closed = True


class Datagrams:
    """A UDP socket: reads what a test has put into `queue`, whole datagrams, oldest first."""

    def __init__(self, network, port):
        self._network = network
        self.port = port
        self.queue = []

    def setsockopt(self, _level, option, member):
        if self._network.join_error:
            raise self._network.join_error
        if option == 0x401 and not self._network.joined:
            raise OSError(22)
        self._network.joined.append((option, bytes(member)))

    def readinto(self, buffer, most):
        if not self.queue:
            return None
        part = self.queue.pop(0)[:most]
        buffer[: len(part)] = part
        return len(part)


class Poller:
    def __init__(self, network):
        self._network = network

    def register(self, socket, _flags):
        self._socket = socket

    def poll(self, _timeout):
        if self._socket is self._network.listener:
            return self._network.visitors[:1]
        silent = not self._network.flags or self._network.asked[-1] in self._network.silent
        return [] if silent else [(None, self._network.flags)]


class Network:
    def __init__(self, server=None):
        self.server = server
        self.chunk = 300
        self.flags = 4
        # Addresses that were connected to, and those that never answer.
        self.asked = []
        self.silent = ()
        self.sockets = []
        self.listener = None
        self.taken = False
        self.port = 0
        self.visitors = []
        self.heard = None
        self.joined = []
        self.join_error = None

    def socket(self):
        self.sockets.append(Socket(self))
        return self.sockets[-1]

    def datagrams(self, port):
        self.heard = Datagrams(self, port)
        return self.heard

    def poller(self):
        return Poller(self)

    def randint(self, low, _high):
        return low


class Wlan:
    """A station that is connected."""

    signal_dbm = -61

    def status(self, what):
        assert what == "rssi"
        return self.signal_dbm

    def ifconfig(self):
        return ("192.168.1.9", "255.255.255.0", "192.168.1.1", "192.168.1.1")
