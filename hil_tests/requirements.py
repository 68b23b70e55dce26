"""What the suite has to show, by the key that tests name in their marker ``requirement``.

The sentences are those of the design; the report page has a line for each, also where no test is.
"""

REQUIREMENTS = {
    "limit": "An excess over a limit is shed by definite time: 5 s, 1 s from twice the limit on",
    "inrush": "Nothing is shed within 350 ms, so that motors start",
    "choice": "Shedding frees enough, spares what is more important, and never a critical one",
    "return": "What was shed comes back once its current fits, one circuit at a time",
    "sensor": "A sensor that fails is told, and its circuit counts as rated where it is closed",
    "contact": "A welded contact counts as closed; what a contact cannot break is left to the "
    "breaker",
    "faults": "Every fault, in every mode and at every load, ends as documented",
    "start": "No coil has a pulse at a start; circuits come back one at a time",
    "guard": "Starts that fail lead to safe_boot, with a try after 15, 60 and 240 minutes",
    "flash": "A power cut at any write of flash leaves the old content or the new, whole",
    "override": "An order OFF is in flash before it is acknowledged, and holds after a power cut",
    "orders": "Orders, schedules and prices reach the contact, in their order of rank",
    "beacon": "A beacon makes a board report at once, and does nothing else",
    "outage": "Losing the coordinator switches nothing; the end of the plan does, into each "
    "circuit's safe state",
    "delivery": "Nothing that is acknowledged or in flash is lost, and nothing comes twice",
    "lease": "A feeder is never used beyond its limit, whoever restarts and whatever is lost",
    "epoch": "Every start of a coordinator takes a higher epoch, and boards go on",
    "maintenance": "Maintenance starts neither node nor watchdog; the REPL beside the node stops "
    "nothing",
    "http": "The board's own HTTP serves one client at a time and survives any",
    "sensing": "Currents are measured within their targets, calibrated by two points",
    "page": "A person sees a load shed and come back on the dashboard",
    "repeat": "The same seed has the same history",
    "heap": "The heap does not grow, and no allocation fails",
    "first board": "An empty module becomes a node on the dashboard, by the unmodified esptool "
    "and mpremote",
    "flashing": "A board is flashed, read back, backed up and restored; every fault of that is "
    "told with a way out, and it can be flashed again",
    "provisioning": "A board gets its name, keys and wiring; every fault of that is told with a "
    "way out, and no key is shown",
    "tools": "A board that runs is watched, calibrated, updated and reported of over its serial "
    "port",
    "rig": "The rig for real boards sees each contact and sets each current, shown board to board",
}
