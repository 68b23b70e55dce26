"""Charge orders of PROTOCOL.md: signed, obeyed once, durable before obeyed. Loaded for one."""

import json

from node.link.signing import Signer

_MOST_COUNTER = 1 << 40


def obey(server, app, problem, body, claim):
    """Steps, none of which leaves too much garbage; the last is the answer."""
    signer = Signer(server.key)
    if not server.key:
        detail = "this board was provisioned without a charge key"
        yield problem(403, "no-charge-key", detail)
        return
    if not signer.is_signed(claim, b"charge\n", server.board_id, b"\n", body):
        yield problem(401, "unsigned", "Headroom-Signature is missing or wrong")
        return
    yield
    try:
        order = json.loads(bytes(body))
    except ValueError:
        order = None
    fault = _fault(order, 60 * server.charge_hours)
    if fault:
        yield problem(400, "malformed", fault)
        return
    yield
    yield _answer(app, problem, signer, order)


def _answer(app, problem, signer, order):
    counter, i, count = order["counter"], order["circuit"], app.relays.count
    if i >= count:
        return problem(404, "no-such-circuit", "circuit: this board has 0 to %d" % (count - 1))
    if not app.storage.charge[0]:
        return problem(403, "revoked", "the coordinator has revoked this board's charge key")
    try:
        last = _take_counter(app.storage, signer, counter)
    except OSError as error:
        return problem(503, "store-unavailable", "not obeyed, flash: %s" % error)
    if counter <= last:
        return problem(409, "replayed", "counter: must be above last_counter", last_counter=last)
    seconds = 60 * order["minutes"]
    app.planning.charge_end_s[i] = app.clock.up_s + seconds
    app.events.add("charge", i, seconds)
    done = '{"counter":%d,"circuit":%d,"seconds":%d}\n' % (counter, i, seconds)
    return 200, "application/json", (done,)


def _take_counter(storage, signer, counter):
    """The last one accepted; a higher one is in flash when this returns. Raises OSError."""
    name = signer.sign(b"name")[:16].decode()  # tells keys apart, and tells nobody the key
    allowed, known, last = storage.charge
    if known is None:
        # Flash was damaged: what this key has signed before is not known any more.
        last = counter = _MOST_COUNTER
    elif known != name:
        last = 0
    if counter > last or known is None:
        storage.remember(storage.epoch, None, [allowed, name, counter])
    return last


def _fault(order, most_minutes):
    """What of a signed order is not as PROTOCOL.md says; empty when nothing is."""
    if not isinstance(order, dict):
        return "body: is no object in JSON"
    most = {"v": 1, "counter": _MOST_COUNTER - 1, "circuit": 3, "minutes": most_minutes}
    for key in order:
        if key not in most:
            return "%s: unknown key" % key
    for key, highest in most.items():
        value = order.get(key)
        lowest = 1 if key in ("v", "counter") else 0
        if type(value) is not int or not lowest <= value <= highest:
            return "%s: is no whole number from %d to %d" % (key, lowest, highest)
    return ""
