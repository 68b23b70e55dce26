"""A small board for tests: honest about time, and nothing on it allocates once it is made."""

import errno
import math
import sys

if sys.implementation.name == "cpython":
    sys.path.append(__file__.rsplit("/", 1)[0] + "/cpython")

TICKS_WRAP = 1 << 30


class Time:
    """A clock that only tests and sleeping move; wraps as the board's does."""

    def __init__(self, start_us=0):
        self.now_us = start_us

    def ticks_us(self):
        return self.now_us % TICKS_WRAP

    def ticks_ms(self):
        return self.now_us // 1000 % TICKS_WRAP

    def ticks_diff(self, later, earlier):
        return (later - earlier + TICKS_WRAP // 2) % TICKS_WRAP - TICKS_WRAP // 2

    def sleep_us(self, wait_us):
        self.now_us += wait_us

    def pass_ms(self, passed_ms):
        self.now_us += passed_ms * 1000


class Converter:
    """An ADS1115 on an I2C bus, for sines: each conversion is the sine's mean over its time.

    Runs on microseconds as small integers: amplitude and bias are in counts.
    """

    BYTE_US = 95  # bit-banged at 160 MHz, the address is one too

    def __init__(self, time, rate_error=0.0, mains_hz=50):
        self.time = time
        self.second_us = 1e6 / (1 + rate_error)
        self.mains_hz = mains_hz
        self.phase = 0.0
        self.bias = [13200.0] * 4
        self.peak = [0.0] * 4
        self.noise = lambda: 0
        self.absent = False
        self._pointer = 0
        self._config = 0x0583
        self._begun_us = None

    def writeto(self, _address, data):
        self._transfer(len(data))
        self._pointer = data[0]
        if len(data) == 3:
            self._config = data[1] << 8 | data[2]
            runs = not self._config & 0x0100 or self._config & 0x8000
            self._begun_us = self.time.now_us + 25 if runs else None

    def readfrom_into(self, _address, buffer):
        value = self._conversion() if self._pointer == 0 else self._status()
        self._transfer(len(buffer))
        buffer[0] = value >> 8 & 0xFF
        buffer[1] = value & 0xFF

    def _transfer(self, length):
        if self.absent:
            raise OSError(19, "no device")
        self.time.now_us += self.BYTE_US * (1 + length)

    def _length_us(self):
        return self.second_us / (860 if self._config & 0xE0 else 8)

    def _status(self):
        done = self.time.now_us >= self._begun_us + self._length_us()
        return self._config & 0x7FFF | (0x8000 if done else 0)

    def _conversion(self):
        length_us = self._length_us()
        k = int((self.time.now_us - self._begun_us) / length_us)
        if k < 1:
            return 0
        end_us = self._begun_us + k * length_us
        return self.count((self._config >> 12) & 3, end_us - length_us, end_us)

    def count(self, channel, from_us, to_us):
        turn = 2 * math.pi * self.mains_hz / 1e6
        low, high = turn * from_us + self.phase, turn * to_us + self.phase
        mean = (math.cos(low) - math.cos(high)) / (high - low)
        count = self.bias[channel] + self.peak[channel] * mean + self.noise()
        return max(0, min(26400, int(count + 0.5)))

    def set_ma(self, channel, current_ma, ct_ma_per_v=30_000):
        self.peak[channel] = current_ma / ct_ma_per_v * 8000 * math.sqrt(2)


class QuietConverter:
    """Conversions from a table, at no cost and with no allocation: for counting bytes."""

    def __init__(self, time):
        self.time = time
        self._k = 0
        self._is_polled = False
        # About 1.65 A.
        self._table = [13200, 13600, 13825, 13725, 13375, 12975, 12625, 12575, 12850, 13175]
        self._config = 0

    def writeto(self, _address, data):
        if len(data) == 3:
            self._config = data[1]
            self._is_polled = False

    def readfrom_into(self, _address, buffer):
        self._k = (self._k + 1) % 7919
        value = self._table[self._k % 10]
        if not self._config & 1:
            buffer[0] = value >> 8
            buffer[1] = value & 0xFF
        else:
            buffer[0] = 0x80 if self._is_polled else 0
            self._is_polled = True
            self.time.now_us += 20_000


class Pin:
    def __init__(self, number, value):
        self.number = number
        self.level = value
        self.edges = 0

    def __call__(self, level):
        self.edges += level != self.level
        self.level = level


class File:
    """What is written is there once the file is closed, as on littlefs."""

    def __init__(self, files, path, mode):
        self._files = files
        self._path = path
        self._mode = mode
        self._written = b""

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.close()
        return False

    def read(self):
        content = self._files.content[self._path]
        return content if "b" in self._mode else content.decode()

    def write(self, content):
        if self._files.full:
            raise OSError(28, "no space")
        self._written += content if "b" in self._mode else content.encode()

    def close(self):
        if self._written:
            self._files.content[self._path] = self._written
            self._files.writes += 1


class Files:
    """A flash of whole files: bytes by path. `broken` paths cannot be read."""

    def __init__(self):
        self.content = {}
        self.writes = 0
        self.full = False
        self.broken = ()

    def open(self, path, mode="r"):
        if "r" in mode and path not in self.content:
            raise OSError(errno.ENOENT, "no file")
        if path in self.broken:
            raise OSError(errno.EIO, "broken")
        if "w" in mode:
            if self.full:
                raise OSError(28, "no space")
            self.content[path] = b""
        return File(self, path, mode)

    def rename(self, old, new):
        self.content[new] = self.content.pop(old)

    def remove(self, path):
        if path not in self.content:
            raise OSError(errno.ENOENT, "no file")
        del self.content[path]

    def names(self, folder):
        """The names of the files in a folder, in no order."""
        start = folder + "/"
        return [path[len(start) :] for path in self.content if path.startswith(start)]


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


class Hardware:
    def __init__(self, converter=None, server=None):
        self.time = converter.time if converter else Time()
        self.i2c = converter or QuietConverter(self.time)
        self.files = Files()
        self.network = Network(server)
        self.station = Wlan()
        self.reset = "power_on"
        self.rtc = b""
        self.pins = {}
        self.fed = 0
        self.restarts = 0

    def pin(self, number, value):
        self.pins[number] = Pin(number, value)
        return self.pins[number]

    def wlan(self):
        return self.station

    def randint(self, low, _high):
        return low

    def memory(self, content=None):
        """The RTC memory: what was written last."""
        if content is not None:
            self.rtc = bytes(content)
        return self.rtc

    def restart(self):
        self.restarts += 1

    def heap_free(self):
        return 20_000

    def feed(self):
        self.fed += 1


def circuit(**given):
    """A circuit's configuration as a board would have it, merged with `given`."""
    merged = {
        "name": "load",
        "phase": 1,
        "pin": 16,
        "channel": 0,
        "rated_ma": 10_000,
        "limit_ma": 10_000,
        "priority": 4,
        "kind": "deferrable",
        "safe": "keep",
        "default": "on",
        "sensor": "ct",
        "ct_ma_per_v": 30_000,
        "spiky_percent": 32,
        "shunt_uohm": 0,
        "price_ceiling_eur_mwh": 2_748,
        "price_hysteresis_eur_mwh": 10,
        "breaking_ma": 80_000,
        "no_load_s": 0,
        "min_on_s": 0,
        "min_off_s": 0,
    }
    merged.update(given)
    return merged


def board_circuit(i):
    """Circuit i of a board's configuration file, behind a contactor of 10 A in category AC-3."""
    return {
        "name": "load %d" % i,
        "pin": (16, 14, 12, 13)[i],
        "channel": i,
        "rated_ma": 10_000,
        "contactor": True,
        "breaking_ma": 80_000,
        "priority": i + 1,
        "min_off_s": 0,
        "safe": "on",
    }


def configuration(**given):
    """A whole configuration: four circuits on L1 of a 25 A feeder, priorities 1 to 4."""
    from node import config

    board = {
        "id": "flat-1",
        "feeder": {"rating_ma": [25_000, 0, 0], "safe_limit_ma": [20_000, 0, 0]},
        "circuits": [board_circuit(i) for i in range(4)],
        "timing": {"boot_delay_s": [0, 0]},
        "link": {"host": "192.168.1.10"},
    }
    board.update(given)
    return config.merge(board)


def secrets(key, site_key=b"", charge_key=b""):
    """Secrets as `config.load_secrets` gives them."""
    return {"key": key, "site_key": site_key, "charge_key": charge_key, "wifi_password": ""}


def run(app, hardware, duration_ms):
    """Ticks for `duration_ms`."""
    tick_us = app.tick_ms * 1000
    end_us = hardware.time.now_us + duration_ms * 1000
    due_us = hardware.time.now_us + tick_us
    while due_us <= end_us:
        hardware.time.now_us = max(due_us, hardware.time.now_us)
        app.tick()
        due_us += tick_us
    hardware.time.now_us = max(end_us, hardware.time.now_us)
