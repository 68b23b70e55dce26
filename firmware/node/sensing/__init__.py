"""From a sensor's counts to a current that may be believed, or that says why not.

Two kinds, `ct` (a current transformer on an ADS1115) and `ina226` (a shunt), behind one interface:
`find()` looks for the part; `measure(i, since_ms)` takes circuit i's window, names its state and
leaves the current in `current_ma`; `scale_ma[i]` and `offset_ma[i]` are what calibration sets, in
force after `rescale(i)`. A part that does not answer is an OSError.
"""
