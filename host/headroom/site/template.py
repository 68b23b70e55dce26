"""The site file that `headroom init` writes: every key that most sites need, explained."""

_HEAD = """\
# A site for Headroom. Currents are in mA, by phase: {{ L1 = 25000 }}. A phase that is
# not named is not there. `headroom doctor --site FILE --data DIR` says what is wrong with it.

[site]
name = "{name}"

# A supply point: what its breaker carries for ever. Ask the label on the breaker.
[[feeders]]
id = "main"
rating_ma = {{ {rating} }}
breaker = "C"                    # B, C or D, as on its label
# limit_ma = {{ L1 = 20000 }}      # the most you want on it; its rating if left out
# What flows behind no relay of a board, always reckoned with:
uncontrolled_ma = {{ {none} }}
# Or measured, by an external meter that tells its readings by API:
# [feeders.meter]
# max_ma = {{ L1 = 10000 }}        # counts while no reading is fresh
# rise_ma = {{ L1 = 2000 }}        # the most it rises before leases follow
# max_age_s = 15
# Or by a board: one of its inputs A0 to A3 that no circuit uses, its transformer on the feeder's
# main (what circuits draw is taken off) or on the branch behind no relay:
# [feeders.meter.sensors]
# L1 = {{ board = "flat-1", channel = 3, measures = "main", ct_ma_per_v = 100000 }}

# A feeder may hang on another. Its current counts on both.
# [[feeders]]
# id = "workshop"
# parent = "main"
# rating_ma = {{ L1 = 16000 }}
"""

_BOARD = """
[[boards]]
id = "flat-{number}"
feeder = "main"
# What it may use when the coordinator is gone. All of them and uncontrolled_ma fit the rating.
safe_limit_ma = {{ {safe} }}
# priority = 4                   # 1 is served first, 8 last
# report_s = 10

# Up to four circuits: relay and sensor 1 to 4, in this order.
[[boards.circuits]]
name = "lights"
phase = "L1"
rated_ma = {light}                  # what its own breaker carries
kind = "deferrable"              # critical is never shed; deferrable, thermal, ev
priority = 1                     # 1 is shed last, 8 first
safe = "on"                      # when the plan has run out: on, off or keep

[[boards.circuits]]
name = "water heater"
phase = "{last}"
rated_ma = 10000
kind = "thermal"
priority = 5
safe = "off"
# default = "on"                 # what it is without schedule or order
# min_off_s = 10                 # a compressor wants minutes
# price_ceiling_eur_mwh = 300    # off while energy costs more
# contactor = true               # needed for kind = "ev" and above the relay's rating
"""


def site_template(name: str, rating_ma: int, phases: int, boards: int) -> str:
    """A file that `headroom serve` takes as it is, for somebody to go on from."""
    named = [f"L{number}" for number in range(1, phases + 1)]
    # Half of what there is: the rest can then be shared out.
    safe_ma = rating_ma // 2 // boards // 100 * 100
    head = _HEAD.format(name=name, rating=_each(named, rating_ma), none=_each(named, 0))
    light_ma = max(100, min(6000, safe_ma))
    return head + "".join(
        _BOARD.format(number=number, safe=_each(named, safe_ma), light=light_ma, last=named[-1])
        for number in range(1, boards + 1)
    )


def _each(phases: list[str], ma: int) -> str:
    return ", ".join(f"{phase} = {ma}" for phase in phases)
