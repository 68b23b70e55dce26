"""From a sensor's counts to a current that may be believed, or that says why not.

Two kinds, `ct` (a current transformer on an ADS1115) and `ina226` (a shunt), behind one interface:
`find()` looks for the part; `measure(i, since_ms)` takes circuit i's window, names its state and
leaves the current in `current_ma`. Calibration sets `scale_ma[i]` and `offset_ma[i]`, in force
after `rescale(i)`, and `spiky_ms[i]` to -1 where they are for the waveform of its load. A part
that does not answer is an OSError.
"""


def sensors(config, circuits, hardware, clock):
    """The sensor of each circuit or meter. A kind that none of them has is not even loaded."""
    made = {}
    for circuit in circuits:
        kind = circuit["sensor"]
        if kind in made:
            continue
        if kind == "ct":
            from node.sensing.ct import Ct

            made[kind] = Ct(circuits, config["mains_hz"], hardware, clock)
        else:
            from node.sensing.ina226 import Ina226

            made[kind] = Ina226(circuits, config["timing"]["tick_ms"], hardware)
    return [made[circuit["sensor"]] for circuit in circuits]
