"""What a start leaves to the next, and its end when the board has to start anew by itself.

It is done outside of control, one piece a tick: flash is slow, an erase takes 45 ms. What must
survive a warm reset goes into RTC memory each second; what became of this start, and minutes that
wait too long for the coordinator, into flash. A board starts anew when it is ordered into
maintenance, and when its Wi-Fi hangs and nothing is lost by a reset.
"""

from micropython import const

from node import drop
from node.storage import keep

_BREAKER_S = const(60)
_RETRY_S = const(900)
# What the journal holds in RAM is in flash by then.
_FLUSH_S = const(2)


class Upkeep:
    def __init__(self, app, hardware, may_reset):
        """`may_reset`: whether a Wi-Fi that hangs may cost a reset."""
        self._app = app
        self._hardware = hardware
        self._may_reset = may_reset
        # At that uptime the board starts anew; 0 = it does not.
        self.leaves_s = 0
        self._kept_s = 0
        self._why = 0
        self._start = None
        self._look_s = 0
        # In this second there was nothing left to do.
        self._idle_s = -1

    def begin(self):
        """Before the first tick: takes what earlier starts have left, and counts this one."""
        app = self._app
        starts = self._starts()
        guards, on = app.protection.guards, app.planning.on
        ran_s, why = starts.load(self._hardware.memory, app.reset, guards, on)
        if why:
            app.events.add("wifi_was_reset")
        starts.start(app.safety, app.storage, app.reset, ran_s)
        if app.safety.wait_s:
            app.events.add("safe_boot", -1, app.safety.wait_s)
        try:
            app.storage.count_boot()
        except OSError:
            app.client = None  # its messages would need a new count of boots

    def _starts(self):
        from node import starts

        drop(starts)
        return starts

    def step(self):
        """One piece of what has to outlive this start; whether there was one."""
        app = self._app
        up_s = app.clock.up_s
        if up_s == self._idle_s:
            return False
        try:
            if up_s != self._kept_s:
                self._kept_s = up_s
                self._keep_warm(up_s)
            if self._start:
                start, self._start = self._start, None
                app.storage.write(start)
            elif up_s >= self._look_s:
                starts = self._starts()
                self._look_s = starts.next_look_s(app.safety, up_s)
                self._start = starts.update(app.safety, app.storage, up_s)
            elif not app.blocks.step(up_s):
                self._idle_s = up_s
                return False
        except (OSError, MemoryError):
            app.events.add("flash_failed")
            self._look_s = up_s + _RETRY_S
        return True

    def _keep_warm(self, up_s):
        app = self._app
        client = app.client
        if client and self._may_reset and app.wifi.is_wedged(self._is_cut_off(), client.heard_s):
            self._why = True
            self.leave(_FLUSH_S)
        keep(self._hardware.memory, up_s, app.protection.guards, app.planning.on, self._why)

    def _is_cut_off(self):
        """Whether the plan has run out and no circuit is on for any other reason than that."""
        relays = self._app.relays
        for i in range(relays.count):
            if relays.closed[i] and relays.reason[i] != "safe_link":
                return False
        return self._app.planning.expired

    def leave(self, within_s):
        """Starts the board anew by then."""
        self._app.blocks.flush = True
        self.leaves_s = self.leaves_s or self._app.clock.up_s + within_s

    def end(self):
        """Once the coordinator knows all events, or when it does not answer.

        A reset opens every contact: what one cannot break is the breaker's, for a minute more.
        """
        if not self.leaves_s:
            return
        app = self._app
        late_s = app.clock.up_s - self.leaves_s
        if late_s < 0 and app.events.stored:
            return
        if any(app.relays.unbreakable) and late_s < _BREAKER_S:
            return
        app.relays.disable()
        self._hardware.restart()
