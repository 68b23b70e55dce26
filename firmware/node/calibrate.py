"""Calibration of a sensor, by a person at the REPL with a reference meter and a resistive load.

    from node import calibrate
    calibrate.point(0, 2000)      circuit 0, while the reference shows 2000 mA
    calibrate.point(0, 9000)      and again with a larger load
    calibrate.store(0)

From two points (measured m, true t) follows a line, in force at once and after every start:

    gain = (t2 - t1) / (m2 - m1)        offset = t1 - gain m1        current = gain m + offset

`calibrate.waveform(0, 4300)` is for a circuit whose load draws spikes, which read low (by some
percent at a THD above 0.5): with that load on, and a reference that shows true RMS. It can only
raise what is measured, and takes the place of `spiky_percent` from then on. A later `store` does
away with it: take the two points first.

What is stored belongs to the converter's input, not to the circuit's number, and lies beside the
configuration in a file of its own, which provisioning does not touch. Loaded for that, and dropped
by `store` and `waveform`; `del calibrate` then gives the memory back.
"""

import errno
import json
import sys
import time

from micropython import const

import node
from node import drop
from node.storage import replace, sealed, unsealed

_PATH = "/calibration.json"
# Two seconds of a scan of four.
_WINDOWS = const(12)
_STEADY_PERCENT = const(3)
# Spikes fall between conversions or into one: windows differ by up to half, their mean does not.
_SPIKY_WINDOWS = const(24)
_SPIKY_PERCENT = const(100)
# In place of how long spikes have lasted: that is not looked at any more.
_CORRECTED = const(-1)
# Points closer than a tenth of the range would turn noise into gain.
_RANGE_PARTS = const(10)
_GAIN_LOWEST = const(800)
_GAIN_HIGHEST = const(1250)
# Zero may be off by a fiftieth of the range: five times what a CT of class 3 is there.
_OFFSET_PARTS = const(50)
# The worst waveform measured needs 1314 (firmware/PROTECTION.md).
_WAVEFORM_HIGHEST = const(1500)

_points = {}


class CalibrationError(ValueError):
    """Names the value, what is wrong with it, and the way out."""


def apply(circuits, files):
    """Puts what is stored into the circuits of a configuration. Returns [(circuit, why not)]."""
    try:
        stored = _read(files)
    except CalibrationError as error:
        return [(-1, str(error))]
    left = []
    for i, circuit in enumerate(circuits):
        direct = circuit["sensor"] == "ina226"
        entry = stored.get(_key("Ina226" if direct else "Ct", circuit["channel"]))
        if not entry:
            continue
        nominal_ma, scale_ma, offset_ma = entry[:3]
        full_ma = 81_920_000 // circuit["shunt_uohm"] if direct else circuit["ct_ma_per_v"]
        if nominal_ma == full_ma:
            circuit["scale_ma"] = scale_ma
            circuit["offset_ma"] = offset_ma
            circuit["spiky_ms"] = sum(entry[3:])
        else:
            values = (nominal_ma, full_ma)
            left.append((i, "calibrated for a range of %d mA, not of %d: calibrate anew" % values))
    return left


def point(i, true_ma):
    """Measures circuit i now, while a reference shows `true_ma`. The newest two points count."""
    measured_ma = _mean(_running(i, true_ma), i, _WINDOWS, _STEADY_PERCENT)
    points = _points.get(i, [])[-1:] + [(measured_ma, true_ma)]
    _points[i] = points
    print("circuit %d: measured %d mA, true %d mA" % (i, measured_ma, true_ma))
    if len(points) == 2:
        _line(i)


def store(i):
    """The line through circuit i's two points, into the sensor and into flash."""
    if len(_points.get(i, ())) < 2:
        count = len(_points.get(i, ()))
        raise CalibrationError("circuit %d has %d of 2 points: call point() for each" % (i, count))
    gain_ppm, offset_ma = _line(i)
    _change(i, gain_ppm, offset_ma, 0)


def waveform(i, true_ma):
    """Raises circuit i's current by what its load's spikes take from it: one point is enough."""
    app = _running(i, true_ma)
    spiky_ms = app.sensors[i].spiky_ms
    before_ms, spiky_ms[i] = spiky_ms[i], _CORRECTED
    try:
        _raise(i, true_ma, _mean(app, i, _SPIKY_WINDOWS, _SPIKY_PERCENT))
    except CalibrationError:
        spiky_ms[i] = before_ms
        raise


def _raise(i, true_ma, measured_ma):
    permille = true_ma * 1000 // measured_ma
    print("factor = %d / %d = %d permille" % (true_ma, measured_ma, permille))
    if not 1000 <= permille <= _WAVEFORM_HIGHEST:
        raise CalibrationError(
            "factor of %d permille: it has to be from 1000 to %d; take two points with a "
            "resistive load first, then a reference of true RMS" % (permille, _WAVEFORM_HIGHEST)
        )
    _change(i, permille * 1000, 0, _CORRECTED)


def _line(i):
    """(gain in ppm, offset in mA) of circuit i's points; prints how. Raises CalibrationError."""
    (low_ma, low_true_ma), (high_ma, high_true_ma) = sorted(_points[i])
    sensor = node.app.current.sensors[i]
    least_ma = sensor.scale_ma[i] // _RANGE_PARTS
    if high_ma - low_ma < least_ma:
        raise CalibrationError(
            "points of %d and %d mA are closer than a tenth of the range, %d mA: take one with a "
            "larger load" % (low_ma, high_ma, least_ma)
        )
    gain_ppm = (high_true_ma - low_true_ma) * 1_000_000 // (high_ma - low_ma)
    offset_ma = low_true_ma - gain_ppm * low_ma // 1_000_000
    print("gain = (%d - %d) / (%d - %d)" % (high_true_ma, low_true_ma, high_ma, low_ma), end="")
    print(" = %d ppm" % gain_ppm)
    print("offset = %d - gain x %d = %d mA" % (low_true_ma, low_ma, offset_ma))
    if not _GAIN_LOWEST * 1000 <= gain_ppm <= _GAIN_HIGHEST * 1000:
        raise CalibrationError(
            "gain of %d ppm: no sensor is off by that; check its range in the configuration, the "
            "reference, and that the wire passes the sensor once" % gain_ppm
        )
    most_ma = sensor.scale_ma[i] // _OFFSET_PARTS
    if abs(offset_ma) > most_ma:
        raise CalibrationError(
            "offset of %d mA is above %d: check that reference and sensor see the same current"
            % (offset_ma, most_ma)
        )
    return gain_ppm, offset_ma


def _running(i, true_ma):
    """The node, if it can measure circuit i now, and if `true_ma` can be its current."""
    app = getattr(node, "app", None) and node.app.current
    if not app:
        raise CalibrationError("the node does not run: leave maintenance and start the board anew")
    readings = app.readings
    if i not in range(len(readings.state)):
        raise CalibrationError("circuit %r: there are 0 to %d" % (i, len(readings.state) - 1))
    if type(true_ma) is not int or true_ma <= 0:
        raise CalibrationError("true current of %r: whole mA above 0 are needed" % (true_ma,))
    return app


def _mean(app, i, windows, steady_percent):
    """Mean of circuit i's next readings in mA; they have to be good, and alike."""
    readings = app.readings
    scan_ms = len(readings.state) * app.tick_ms
    least_ma, most_ma, sum_ma = 1 << 29, 0, 0
    time.sleep_ms(scan_ms)
    for _ in range(windows):
        time.sleep_ms(scan_ms)
        state = readings.state[i]
        if state != "ok":
            raise CalibrationError(
                "circuit %d: sensor is %s, not ok: nothing to go by" % (i, state)
            )
        current_ma = readings.last_ma[i]
        least_ma, most_ma = min(least_ma, current_ma), max(most_ma, current_ma)
        sum_ma += current_ma
    mean_ma = (sum_ma + windows // 2) // windows
    if (most_ma - least_ma) * 100 > mean_ma * steady_percent:
        raise CalibrationError(
            "circuit %d: readings from %d to %d mA differ by more than %d %%: use a load that "
            "stays the same, such as a heater" % (i, least_ma, most_ma, steady_percent)
        )
    return mean_ma


def _change(i, gain_ppm, offset_ma, spiky_ms):
    """Turns what circuit i's sensor says by gain and offset, in flash first."""
    app = node.app.current
    sensor, files = app.sensors[i], app.blocks.files
    stored = _read(files)
    key = _key(type(sensor).__name__, sensor.channel[i])
    nominal_ma = scale_ma = sensor.scale_ma[i]
    if key in stored and stored[key][1] == scale_ma:
        nominal_ma = stored[key][0]
    scale_ma = scale_ma * gain_ppm // 1_000_000
    offset_ma += sensor.offset_ma[i] * gain_ppm // 1_000_000
    stored[key] = [nominal_ma, scale_ma, offset_ma, spiky_ms]
    _write(files, stored)
    sensor.scale_ma[i] = scale_ma
    sensor.offset_ma[i] = offset_ma
    sensor.spiky_ms[i] = spiky_ms
    sensor.rescale(i)
    _points.pop(i, None)
    values = (i, nominal_ma, scale_ma, offset_ma)
    print("circuit %d: range %d -> %d mA, offset %d mA, stored" % values)
    if __name__ in sys.modules:
        drop(sys.modules[__name__])


def _key(kind, channel):
    return "%s %d" % (kind, channel)


def _read(files):
    try:
        with files.open(_PATH) as file:
            return json.loads(unsealed(file.read()))
    except OSError as error:
        if error.errno == errno.ENOENT:
            return {}  # never calibrated
    except ValueError:
        pass
    raise CalibrationError("%s is damaged: remove it and calibrate anew" % _PATH)


def _write(files, stored):
    replace(files, _PATH, sealed(json.dumps(stored)))
