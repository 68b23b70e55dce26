"""The report of PROTOCOL.md, written into a buffer made once, a part a step.

Loaded for each report, and dropped when it is written: see `client`.
"""

from micropython import const

from node import version

REPORT_BYTES = const(1536)
_MOST_EVENTS = const(6)
_MOST_MINUTES = const(4)
# Kept free for what closes the report.
_TAIL_BYTES = const(8)


class Report:
    """Writes the report of the parts it is given into `buffer`, from `start` on."""

    def __init__(self, buffer, start, parts):
        """`parts` is the app, or what else has its parts and counts."""
        self._buffer = buffer
        self._start = start
        self._limit = start + REPORT_BYTES - _TAIL_BYTES
        self._parts = parts
        self.end = start

    def write_head(self, boot, seq):
        parts = self._parts
        planning = parts.planning
        self.end = self._start
        self._write('{"v":1,"boot":%d,"seq":%d,"up_s":%d,' % (boot, seq, parts.clock.up_s))
        self._write('"fw":"%s","reset":"%s",' % (version, parts.reset))
        epoch = parts.storage.epoch
        rev = planning.rev if planning.epoch == epoch else 0
        self._write('"epoch":%d,"rev":%d,' % (epoch, rev))
        self._write('"limit_ma":[%d,%d,%d],' % tuple(planning.limit_ma))
        self._write('"lease_seq":%d,"refused":%d,' % (planning.lease_seq, parts.refused()))
        self._write('"lost":[%d,%d],' % (parts.minutes.lost, parts.events.lost))
        self._write('"heap_free":%d,' % parts.heap_free())
        beacon = parts.client.beacon
        heard = (beacon.heard, beacon.refused) if beacon else (0, 0)
        self._write('"beacon":[%d,%d],' % heard)
        self._write('"tick":[%d,%d],' % (parts.longest_us // 1000, parts.dropped))
        rssi_dbm = parts.wifi.rssi_dbm()
        if rssi_dbm:
            self._write('"rssi_dbm":%d,' % rssi_dbm)
        self._write_meters(parts.readings, parts.relays, parts.sensors)
        self._write_circuits(parts.readings, parts.relays)

    def _write_meters(self, readings, relays, sensors):
        """What has a sensor and no relay; the key is absent where there is none."""
        comma = '"meters":['
        for i in range(relays.count, len(sensors)):
            values = (sensors[i].channel[i], readings.last_ma[i])
            values += (readings.age_ms(i), readings.state[i])
            self._write(comma + '[%d,%d,%d,"%s"]' % values)
            comma = ","
        if comma == ",":
            self._write("],")

    def _write_circuits(self, readings, relays):
        self._write('"circuits":')
        for i in range(relays.count):
            current_ma = readings.last_ma[i]
            if not relays.closed[i]:
                # Nothing of a reading from before it opened; blind and welded counts as rated.
                since_ms = relays.since_edge_ms[i]
                current_ma = readings.current_ma(i, relays.welded[i], since_ms)
            self._write(
                '%s[%d,%d,"%s",%d,"%s"]'
                % (
                    "," if i else "[",
                    current_ma,
                    readings.age_ms(i),
                    readings.state[i],
                    relays.closed[i],
                    relays.reason[i],
                )
            )

    def write_events(self):
        events = self._parts.events
        self._write('],"events":[')
        for k in range(min(events.stored, _MOST_EVENTS)):
            if not self._write(("," if k else "") + '[%d,%d,"%s",%d,%d]' % events.record(k)):
                break

    def write_minutes(self):
        self._write('],"minutes":[')
        comma = ""
        for minute in self._parts.blocks.read(_MOST_MINUTES):
            text = "[%d,%d,%d,%d,%d,%d,%d,%d,%d,%d,%d,%d,%d,%d]" % minute
            if not self._write(comma + text):
                break
            comma = ","
        self._limit += _TAIL_BYTES
        self._write("]}")
        self._limit -= _TAIL_BYTES

    def _write(self, text):
        """Appends `text` if it fits; says whether it did."""
        end = self.end + len(text)
        if end > self._limit:
            return False
        self._buffer[self.end : end] = text.encode()
        self.end = end
        return True
