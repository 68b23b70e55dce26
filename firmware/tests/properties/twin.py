"""A whole board in this Python: the real node, on a plant that knows the truth.

What is left out is the converter: a window gives the RMS that really flowed during its 20 ms. Time
is simulated: a window takes 21 ms of each tick, and a contact follows its pin after its delay.
Every change of every current is kept, so that a test can ask afterwards what was where and for how
long.
"""

import errno

import coordinator
import fakes
from node import app

TICK_MS = 40
WINDOW_MS = 20
OPERATE_MS = 7
RELEASE_MS = 4


class Plant:
    """Loads behind contacts, in mA and ms."""

    def __init__(self, loads):
        """`loads` per circuit: a list of (from_ms, mA) that starts at 0."""
        self.loads = loads
        self.contact = [[(0, 0)] for _ in loads]

    def switch(self, i, at_ms, closed):
        """The pin of circuit i was written."""
        if self.contact[i][-1][1] != closed:
            self.contact[i].append((at_ms + (OPERATE_MS if closed else RELEASE_MS), closed))

    def current_ma(self, i, at_ms):
        return _at(self.loads[i], at_ms) * _at(self.contact[i], at_ms)

    def changes(self, i, from_ms, to_ms):
        """When circuit i's current may change in between."""
        steps = self.loads[i] + self.contact[i]
        return sorted({at for at, _ in steps if from_ms < at < to_ms})

    def rms_ma(self, i, from_ms, to_ms):
        squares = 0
        begin = from_ms
        for end in self.changes(i, from_ms, to_ms) + [to_ms]:
            squares += self.current_ma(i, begin) ** 2 * (end - begin)
            begin = end
        return round((squares / (to_ms - from_ms)) ** 0.5)

    def total(self, circuits, from_ms, to_ms):
        """The sum of some circuits' currents as steps [(from_ms, mA), ...]."""
        times = {from_ms}
        for i in circuits:
            times.update(self.changes(i, from_ms, to_ms))
        return [(at, sum(self.current_ma(i, at) for i in circuits)) for at in sorted(times)]


def _at(steps, at_ms):
    value = 0
    for begin, step in reversed(steps):
        if begin <= at_ms:
            value = step
            break
    return value


class Sensor:
    """Stands for converter and RMS: what really flowed, with the state that `sensing` gives it."""

    FLOOR_MA = 150

    def __init__(self, board, reads_permille):
        self.current_ma = 0
        self._reads_permille = reads_permille
        self._board = board

    def find(self):
        return True

    def measure(self, i, _age_ms):
        board = self._board
        if i in board.blind:
            raise OSError(errno.ENODEV)
        began_ms = board.now_ms
        board.hardware.time.pass_ms(WINDOW_MS + 1)
        current_ma = board.plant.rms_ma(i, began_ms, began_ms + WINDOW_MS)
        current_ma = current_ma * self._reads_permille // 1000
        self.current_ma = current_ma if current_ma >= self.FLOOR_MA else 0
        return "ok" if self.current_ma else "below_range"


class Pin:
    """A relay's pin, with the plant behind it."""

    def __init__(self, board, i):
        self._board = board
        self._i = i

    def __call__(self, level):
        self._board.plant.switch(self._i, self._board.now_ms, level)


class Hardware(fakes.Hardware):
    """The fake hardware with a plant; files and time stay when the power goes."""

    def __init__(self, board, server):
        super().__init__(server=server)
        self.network.chunk = 2000
        self.randint = board.randint
        self._board = board

    def pin(self, number, value):
        if number not in self._board.pins:
            return super().pin(number, value)
        return Pin(self._board, self._board.pins.index(number))


class Board:
    """One board: `run_to` lets time pass, `cut` takes its power and gives it back."""

    def __init__(self, loads, draw=None, server=None, reads_permille=1000, **config):
        """`reads_permille` of what flows is what the sensors say."""
        self._reads_permille = reads_permille
        self.plant = Plant(loads)
        self.draw = draw
        self.settings = fakes.configuration(**config)
        self.pins = [c["pin"] for c in self.settings["circuits"]]
        self.secrets = fakes.secrets(coordinator.KEY) if server else None
        self.hardware = Hardware(self, server)
        self.each_tick = []
        self.blind = set()  # circuits whose sensors do not answer
        self._start()

    @property
    def now_ms(self):
        return self.hardware.time.now_us // 1000

    def randint(self, low, high):
        return self.draw.randint(low, high) if self.draw else low

    def _start(self):
        self.node = app.App(self.settings, self.secrets, self.hardware)
        self.node.sensors = [Sensor(self, self._reads_permille)] * len(self.pins)
        self.node.start()
        self._due_ms = self.now_ms + TICK_MS

    def cut(self):
        """Power is gone for a moment: contacts fall, RAM is lost, flash is not."""
        for i in range(len(self.pins)):
            self.plant.switch(i, self.now_ms, 0)
        for socket in self.hardware.network.sockets:
            socket.close()
        self.hardware.time.pass_ms(500)
        self._start()

    def run_to(self, end_ms):
        while self._due_ms <= end_ms:
            late_ms = self._due_ms - self.now_ms
            if late_ms > 0:
                self.hardware.time.pass_ms(late_ms)
            self.node.tick()
            self._due_ms += TICK_MS
            for look in self.each_tick:
                look()
