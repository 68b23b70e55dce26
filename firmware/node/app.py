"""The node: builds the parts and owns the order of one tick. Nothing else knows all parts.

    control   clock, sense, protect, plan, shed, switch, record      allocates nothing
    watchdog  fed only when all of control has run
    flash     one piece when there is something to keep, in place of the link's step
    link      one guarded step: whatever goes wrong in it is counted and named, and stays there

An error in control is not caught: the timer comes back, and if the error does too, the watchdog
goes unfed and starts the board anew, with its relays off.
"""

from array import array

from micropython import const

from node import drop
from node.journal import Blocks, Events, Minutes
from node.link import MessageError
from node.link.build import make_link
from node.planning import Planning
from node.protection import Protection
from node.relays import Relays
from node.safety import Safety
from node.sensing import sensors
from node.sensing.readings import Readings
from node.shedding import Shedding
from node.storage import Storage, request_maintenance
from node.ticks import Clock
from node.upkeep import Upkeep

# How long an order for maintenance waits for the coordinator to hear that it is obeyed.
_LEAVE_S = const(30)
# No uptime: what was done last has to be done again.
_AT_ONCE = const(-1)

current = None


class App:
    def __init__(self, config, secrets, hardware):
        """`config` is merged; `secrets` is as loaded, or None for no link.

        `hardware` offers time, i2c, pin(), feed(), files, network, wlan(), randint(), heap_free()
        reset and memory, as `node.hardware.Hardware` does.
        """
        circuits = config["circuits"]
        timing = config["timing"]
        self._planned_s = _AT_ONCE
        self.reset = hardware.reset
        self.heap_free = hardware.heap_free
        self.clock = Clock(hardware.time)
        self.events = Events(self.clock)
        self.minutes = Minutes(len(circuits))
        self.storage = Storage(hardware.files, "/state.json")
        self.blocks = Blocks(hardware.files, self.minutes, self.storage, self.events)
        self.relays = self._make_relays(config, hardware)
        self.protection = Protection(config["feeder"], circuits, timing["limit_s"])
        self.shedding = Shedding(circuits, timing)
        self.planning = Planning(config["feeder"], circuits)
        self.safety = Safety(
            circuits, timing["boot_delay_s"], hardware.randint, bool(self.storage.damaged)
        )
        self._note_channels(config, hardware)
        self._prepare_ticks(timing["tick_ms"], hardware)
        self.client, self.wifi = make_link(config, secrets, hardware, self)
        self.upkeep = Upkeep(self, hardware, config["link"]["reset_wedged"])

    def _make_relays(self, config, hardware):
        circuits = config["circuits"]
        active = config["pins"]["active"]
        gate = hardware.pin(config["pins"]["gate"], 0)
        pins = [hardware.pin(circuit["pin"], 1 - active) for circuit in circuits]
        return Relays(circuits, pins, gate, active, self.events, self.clock)

    def _note_channels(self, config, hardware):
        """What is measured in turn: the circuits, and then the meters, which only a report has."""
        channels = config["circuits"] + config["meters"]
        self._count = len(config["circuits"])
        self._channels = len(channels)
        self.names = [c["name"] for c in channels]
        self.sensors = sensors(config, channels, hardware, self.clock)
        self.readings = Readings(channels)
        self._current_ma = array("i", [0] * self._count)
        self._is_helpless = False
        self._turn = self._channels - 1
        self._scan_ms = 0
        # Ticks until each circuit has been switched once after what may have turned it.
        self._unsettled = self._channels

    def _prepare_ticks(self, tick_ms, hardware):
        self.tick_ms = tick_ms
        self._least_ms = 3 * tick_ms // 4
        self.longest_us = 0
        self.dropped = 0
        self._ticks_us = hardware.time.ticks_us
        self._ticks_diff = hardware.time.ticks_diff
        self._feed = hardware.feed

    def start(self):
        """Before the first tick: counts the boot in flash, and lets the coils have supply."""
        self.planning.restore_orders(self.storage.off)
        if self.storage.damaged:
            self.events.add("state_lost")
        self.upkeep.begin()
        for sensor in self.sensors:
            sensor.find()
        self.clock.advance()
        self.relays.enable()

    def stop(self):
        """All coils without supply. Ticks must have ended."""
        self.relays.disable()

    # The order of one tick.

    def tick(self, _timer=None):
        began_us = self._ticks_us()
        clock = self.clock
        if not clock.advance(self._least_ms):
            return  # left over from a late one, whose gap has been counted
        self._sense(clock.step_ms)
        self._protect(clock.step_ms)
        if clock.up_s != self._planned_s:
            self._plan(clock.up_s)
        if self.protection.is_over:
            self._shed()
        else:
            self._is_helpless = False
        if not self.shedding.is_idle:
            self._return_one()
        if self._unsettled:
            self._switch()
        if self._turn == 0:
            self._record()
        if clock.gap_ms >= 2 * self.tick_ms:
            self.dropped += clock.gap_ms // self.tick_ms - 1
        self._feed()
        if not self.upkeep.step():
            self._link()
        took_us = self._ticks_diff(self._ticks_us(), began_us)
        if took_us > self.longest_us:
            self.longest_us = took_us

    def _sense(self, step_ms):
        """One window of the channel whose turn it is."""
        readings = self.readings
        readings.grow_older(step_ms)
        if not self.relays.is_still:
            self.relays.grow_older(step_ms)
        self._scan_ms += step_ms
        i = self._turn + 1
        if i == self._channels:
            i = 0
        self._turn = i
        sensor = self.sensors[i]
        try:
            state = sensor.measure(i, readings.age_ms(i))
        except OSError:
            state = "missing"
        if readings.take(i, state, sensor.current_ma):
            readings.tell(i, self.events, self.clock.up_s)

    def _protect(self, step_ms):
        """A tick brings one circuit a new reading; mostly that is all that is new."""
        i = self._turn
        readings = self.readings
        relays = self.relays
        protection = self.protection
        current_ma = self._current_ma
        if not (
            readings.is_fresh
            and relays.is_still
            and readings.state[i] != "saturated"
            and protection.stays_calm(i, readings.last_ma[i], current_ma)
        ):
            saturated = readings.count(relays, current_ma, i)
            protection.update(current_ma, saturated, self.planning.limit_ma, step_ms)
        if i < self._count:
            relays.watch(i, readings, current_ma)

    def _plan(self, up_s):
        """Once a second: everything in a plan is in seconds."""
        self._planned_s = up_s
        self.planning.update(up_s)
        self.protection.is_calm = False  # it knows other limits
        self._unsettled = self._channels

    def _shed(self):
        self._unsettled = self._channels
        protection = self.protection
        relays = self.relays
        may = self._bits(relays.closed) & self.shedding.sheddable & ~self._bits(relays.welded)
        own = protection.overloaded & may
        # What cannot break its current now frees nothing now; its own overload is shed later.
        may &= ~self._bits(relays.unbreakable)
        chosen = self.shedding.choose(protection.excess_ma, self._current_ma, may, own & may)
        for i in range(self._count):
            if (chosen | own) & 1 << i and not self.shedding.reason[i]:
                self._shed_one(i, own)
        if not self.shedding.enough and not self._is_helpless:
            self._is_helpless = True
            self.events.add("overload", -1, max(protection.excess_ma))

    def _shed_one(self, i, own):
        if self.readings.is_assumed(i):
            reason = "safe_sensor"
        elif own & 1 << i:
            reason = "shed_circuit"
        else:
            reason = "shed_feeder"
        self.shedding.shed(i, reason, self.readings.last_ma[i], self.clock.up_s)

    def _return_one(self):
        up_s = self.clock.up_s
        i = self.shedding.may_return(
            up_s, self.protection.load_ma, self.planning.limit_ma, self._wanted(), self._trusted()
        )
        if i >= 0:
            self.shedding.returned(i, up_s)
            self._unsettled = self._channels
            if self.shedding.trial:
                self.protection.put_on_trial(i)

    def _switch(self):
        """Each circuit in its turn; all of them at once where something has to go now.

        Plans, orders and minimum times are in seconds: a scan after each that is all.
        """
        self._unsettled -= 1
        if self.protection.is_over:
            for i in range(self._count):
                self._switch_one(i)
        elif self._turn < self._count:
            self._switch_one(self._turn)

    def _switch_one(self, i):
        """Openers first, in this order; where none speaks, the plan's wish."""
        relays = self.relays
        if relays.unbreakable[i]:
            self._unsettled = self._channels  # until it can be opened
        reason = self._opener(i)
        if not reason:
            relays.wish(i, self.planning.wish(i), self.planning.reason[i])
            return
        relays.open(i, reason)
        if relays.closed[i]:
            # Its contact cannot break that much: its wait to return begins when it can.
            self.shedding.shed_s[i] = self.clock.up_s

    def _opener(self, i):
        if self.planning.is_ordered_off(i):
            return "override"
        return self.shedding.reason[i] or self.safety.opener(i, self.clock.up_s)

    def _record(self):
        """Once a scan: no current changes more often."""
        self._scan_ms += self.clock.step_ms
        if self._turn == 0:
            self.minutes.sample(
                self.clock.up_s, self._scan_ms, self._current_ma, self.relays.closed
            )
            self._scan_ms = 0

    def _link(self):
        """The one guarded boundary."""
        client = self.client
        if not client:
            return
        try:
            if self.wifi.step():
                client.step()
        except Exception as error:
            try:
                client.failed(error)
            except MemoryError:
                pass  # closed, counted and waiting by then; only the text of the error is missing
        self.upkeep.end()

    # What the steps ask for.

    def _bits(self, flags):
        bits = 0
        for i in range(self._count):
            if flags[i]:
                bits |= 1 << i
        return bits

    def _wanted(self):
        """Those that nothing but their shedding keeps open, on phases with nothing to free."""
        wanted = 0
        up_s = self.clock.up_s
        for i in range(self._count):
            if self.planning.is_ordered_off(i) or self.safety.opener(i, up_s):
                continue
            # Shed, and closed until its contact can break the current.
            if self.relays.closed[i]:
                continue
            # A return that the relay could not carry out would start its trial for nothing.
            if self.protection.is_phase_over(i) or not self.relays.may_change(i):
                continue
            if self.planning.wish(i):
                wanted |= 1 << i
        return wanted

    def _trusted(self):
        trusted = 0
        for i in range(self._count):
            if self.readings.is_trusted(i):
                trusted |= 1 << i
        return trusted

    def refused(self):
        return self.client.refused

    # What the link hands over.

    def obey(self, answer, sent_s):
        """Stores what must survive, then obeys. True when that is to be reported at once."""
        planning = self.planning
        is_new = (answer.epoch, answer.rev) != (planning.epoch, planning.rev)
        self._check_order(answer, is_new)
        plan, storage = answer.plan, self.storage
        if plan:
            storage.remember(answer.epoch, plan.off(), [plan.charge] + storage.charge[1:])
        else:
            storage.remember(answer.epoch)
        planning.accept(answer, sent_s)
        self._planned_s = _AT_ONCE
        self._acknowledge(answer)
        if plan:
            self.safety.orders_unknown = False
        if is_new:
            self.events.add("plan", -1, answer.rev)
        if answer.maintenance and not self.upkeep.leaves_s:
            request_maintenance(self.blocks.files)
            self.events.add("maintenance")
            self.upkeep.leave(_LEAVE_S)
            return True
        return is_new

    def _check_order(self, answer, is_new):
        planning = self.planning
        if answer.epoch < self.storage.epoch:
            raise MessageError("epoch %d is below %d" % (answer.epoch, self.storage.epoch))
        if answer.epoch == planning.epoch and answer.rev < planning.rev:
            raise MessageError("rev %d is below %d" % (answer.rev, planning.rev))
        if is_new and not answer.plan:
            raise MessageError("plan missing")

    def _acknowledge(self, answer):
        self.events.acknowledge(answer.ack_event)
        self.blocks.ack_minutes = answer.ack_minutes

    def forget_ended_orders(self):
        """An OFF order that has ended leaves flash, or it would be back after a power cut."""
        lasting = []
        for order in self.storage.off:
            if order[0] >= self._count or self.planning.is_ordered_off(order[0]):
                lasting.append(order)
        if len(lasting) == len(self.storage.off):
            return
        try:
            self.storage.remember(self.storage.epoch, lasting)
        except OSError:
            pass  # nothing waits for it, and the next report tries again

    # For people.

    def status(self):
        """Prints a table of the circuits and a line each of limits and link."""
        from node import status

        drop(status)
        for line in status.lines(self):
            print(line)
