"""What became of the starts of this board. Loaded at a start and when something is due, dropped.

A board that starts again and again would switch its loads each time. So a start is good once it
has been up for 10 minutes with at most 5 failures in 24 h behind it; a failure is a reset by the
watchdog or an exception, or a power-on whose predecessor had not become good. After more of them
every circuit stays open, as `safe_boot`, with link and REPL alive, until one try after 15 minutes;
where that fails, after 60 the next time, then after 240. A requested reset is no failure.
"""

import struct

from micropython import const

from node.storage import digest

# As `storage.keep` writes it.
_WARM_BYTES = const(37)
_NEW = const(0)
_GOOD = const(1)
_ON_TRIAL = const(2)
_GOOD_S = const(600)
_MOST_FAILURES = const(5)
_DAY_S = const(86_400)
_WAITS_S = (900, 3600, 14_400)
_LOOK_S = const(60)
# The try is in flash before anything closes: what that ends was a try.
_AHEAD_S = const(2)


def load(memory, reset, guards, on):
    """Hands the guards their budgets and `on` its states, as `storage.keep` kept them; gives
    (uptime, why) of the start before, zeros where nothing is known of it.
    """
    content = memory()
    body = content[:_WARM_BYTES]
    if reset == "power_on" or len(body) < _WARM_BYTES or content[_WARM_BYTES:] != digest(body):
        return 0, 0
    for k in range(7):
        if guards[k]:
            guards[k].budget = struct.unpack_from("<I", body, 4 + 4 * k)[0]
    on[:] = body[32 : 32 + len(on)]
    return struct.unpack_from("<I", body)[0], body[36]


def start(safety, storage, reset, ran_s):
    """Whether too many starts have failed; `ran_s` is what is known of the last one's uptime.

    Leaves what is to be kept in `storage.starts`, for the write that counts the boot: what this
    start is, tries so far, the uptime of all starts before, and when in it some failed.
    """
    state, tries, age_s = storage.starts[:3]
    age_s += ran_s or (_GOOD_S if state == _GOOD else 0)
    failed = [at_s for at_s in storage.starts[3:] if age_s - at_s < _DAY_S]
    is_failure = reset in ("wdt", "exception") or (reset == "power_on" and state != _GOOD)
    if is_failure:
        failed.append(age_s)
    if is_failure or state != _ON_TRIAL:
        state = _NEW
        if len(failed) > _MOST_FAILURES:
            safety.wait_s = _WAITS_S[min(tries, len(_WAITS_S) - 1)]
    storage.starts = [state, tries, age_s] + failed[-_MOST_FAILURES - 1 :]


def update(safety, storage, up_s):
    """What has become of this start, for `storage.write`; None when that is there already."""
    state, tries, age_s = storage.starts[:3]
    failed = [at_s for at_s in storage.starts[3:] if age_s + up_s - at_s < _DAY_S]
    if state == _NEW and safety.wait_s and up_s >= safety.wait_s - _AHEAD_S:
        state = _ON_TRIAL
        tries += 1
    elif up_s >= safety.wait_s + _GOOD_S and len(failed) <= _MOST_FAILURES:
        state = _GOOD
        tries = 0
    starts = [state, tries, age_s] + failed
    return starts if starts != storage.starts else None


def next_look_s(safety, up_s):
    """When to call `update` again: the try is not to be missed."""
    try_s = safety.wait_s - _AHEAD_S
    return try_s if up_s < try_s < up_s + _LOOK_S else up_s + _LOOK_S
