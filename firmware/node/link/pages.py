"""What the board's own HTTP shows: /health and /metrics. Loaded for one answer, then dropped.

Metrics are in Prometheus' text format, made a few lines at a time. Names start with
`headroom_node_`: a sum over the coordinator's metrics must not count a board's twice.
"""

import json

from node import version

_SOLE = """\
# HELP headroom_node_info Board, firmware, cause of the last start.
# TYPE headroom_node_info gauge
headroom_node_info{board="%s",version="%s",reset="%s"} 1
# HELP headroom_node_plan_info Plan in force.
# TYPE headroom_node_plan_info gauge
headroom_node_plan_info{epoch="%d",revision="%d"} 1
# HELP headroom_node_plan_expiry_seconds Until the plan runs out; 0 = it has.
# TYPE headroom_node_plan_expiry_seconds gauge
headroom_node_plan_expiry_seconds %d
# HELP headroom_node_uptime_seconds Since this start.
# TYPE headroom_node_uptime_seconds gauge
headroom_node_uptime_seconds %d
"""
_COUNTED = """\
# HELP headroom_node_boots_total Starts of this board.
# TYPE headroom_node_boots_total counter
headroom_node_boots_total %d
# HELP headroom_node_heap_free_bytes After collection.
# TYPE headroom_node_heap_free_bytes gauge
headroom_node_heap_free_bytes %d
# HELP headroom_node_tick_longest_seconds Since this start.
# TYPE headroom_node_tick_longest_seconds gauge
headroom_node_tick_longest_seconds %d.%06d
# HELP headroom_node_ticks_dropped_total Ticks that came too late.
# TYPE headroom_node_ticks_dropped_total counter
headroom_node_ticks_dropped_total %d
"""
_WAITING = """\
# HELP headroom_node_minutes_waiting Minutes in the journal, not acknowledged.
# TYPE headroom_node_minutes_waiting gauge
headroom_node_minutes_waiting %d
# HELP headroom_node_minutes_lost_total Minutes that overflowed the journal.
# TYPE headroom_node_minutes_lost_total counter
headroom_node_minutes_lost_total %d
# HELP headroom_node_events_lost_total Events that overflowed.
# TYPE headroom_node_events_lost_total counter
headroom_node_events_lost_total %d
"""
_SIGNAL = """\
# HELP headroom_node_signal_dbm Wi-Fi signal; NaN where it is not known.
# TYPE headroom_node_signal_dbm gauge
headroom_node_signal_dbm %s
"""
_LINK = """\
# HELP headroom_node_link_answers_total Reports answered.
# TYPE headroom_node_link_answers_total counter
headroom_node_link_answers_total %d
# HELP headroom_node_link_errors_total Reports that failed.
# TYPE headroom_node_link_errors_total counter
headroom_node_link_errors_total %d
# HELP headroom_node_link_refused_total Answers refused.
# TYPE headroom_node_link_refused_total counter
headroom_node_link_refused_total %d
# HELP headroom_node_http_errors_total Clients dropped without an answer.
# TYPE headroom_node_http_errors_total counter
headroom_node_http_errors_total %d
# HELP headroom_node_http_responses_total Answers of this server, refusals among them.
# TYPE headroom_node_http_responses_total counter
"""


def health(app):
    """200 while protection goes by good readings and the starts do not fail, else 503 with the
    reason. Circuits that wait their turn after a start are no failure. That control runs at all
    is seen by there being an answer.
    """
    reason = ""
    for i in range(app.relays.count):
        if not app.readings.is_trusted(i):
            reason = "circuit %d: reading is %s" % (i, app.readings.state[i])
        elif app.safety.opener(i, app.clock.up_s) == "safe_boot":
            reason = "circuit %d: safe_boot" % i
        if reason:
            break
    status = {"status": "failing" if reason else "ok", "reason": reason, "up_s": app.clock.up_s}
    return 503 if reason else 200, "application/json", (json.dumps(status),)


def metrics(server, app):
    return 200, "text/plain; version=0.0.4; charset=utf-8", _lines(server, app)


def _lines(server, app):
    planning, client, minutes = app.planning, app.client, app.minutes
    yield from _circuits(app, app.readings, app.relays)
    yield from _meters(app, app.readings)
    yield from _phases("current", "Sum of its circuits.", app.protection.load_ma)
    yield from _phases("limit", "The lease, else the safe limit.", planning.limit_ma)
    plan = (planning.epoch, planning.rev, max(planning.valid_end_s - app.clock.up_s, 0))
    yield _SOLE % ((server.board_id.decode(), version, app.reset) + plan + (app.clock.up_s,))
    longest = divmod(app.longest_us, 1_000_000)
    yield _COUNTED % ((app.storage.boot, app.heap_free()) + longest + (app.dropped,))
    yield _WAITING % (minutes.stored, minutes.lost, app.events.lost)
    yield _SIGNAL % (app.wifi.rssi_dbm() or "NaN")
    yield _LINK % (client.answers, client.errors, client.refused, server.errors)
    for response in server.responses.items():
        yield 'headroom_node_http_responses_total{code="%d"} %d\n' % response


def _circuits(app, readings, relays):
    yield "# HELP headroom_node_circuit_info Name of a circuit; why its relay is as it is.\n"
    yield "# TYPE headroom_node_circuit_info gauge\n"
    for i in range(relays.count):
        name = app.names[i].replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        values = (i, name, relays.reason[i], readings.state[i])
        line = 'headroom_node_circuit_info{circuit="%d",name="%s",reason="%s",sensor="%s"} 1\n'
        yield line % values
    yield "# HELP headroom_node_circuit_current_amperes RMS; NaN without a good reading.\n"
    yield "# TYPE headroom_node_circuit_current_amperes gauge\n"
    for i in range(relays.count):
        current = _thousandth(readings.last_ma[i]) if readings.is_trusted(i) else "NaN"
        yield 'headroom_node_circuit_current_amperes{circuit="%d"} %s\n' % (i, current)
    yield "# HELP headroom_node_circuit_reading_age_seconds Of the last good one.\n"
    yield "# TYPE headroom_node_circuit_reading_age_seconds gauge\n"
    for i in range(relays.count):
        age = _thousandth(readings.age_ms(i))
        yield 'headroom_node_circuit_reading_age_seconds{circuit="%d"} %s\n' % (i, age)
    yield "# HELP headroom_node_circuit_relay_closed 1 if commanded closed.\n"
    yield "# TYPE headroom_node_circuit_relay_closed gauge\n"
    for i in range(relays.count):
        yield 'headroom_node_circuit_relay_closed{circuit="%d"} %d\n' % (i, relays.closed[i])


def _meters(app, readings):
    if len(app.sensors) == app.relays.count:
        return
    yield "# HELP headroom_node_meter_current_amperes RMS behind no relay; NaN as above.\n"
    yield "# TYPE headroom_node_meter_current_amperes gauge\n"
    for i in range(app.relays.count, len(app.sensors)):
        current = _thousandth(readings.last_ma[i]) if readings.is_trusted(i) else "NaN"
        values = (app.sensors[i].channel[i], current)
        yield 'headroom_node_meter_current_amperes{channel="%d"} %s\n' % values


def _phases(what, text, values_ma):
    name = "headroom_node_phase_%s_amperes" % what
    yield "# HELP %s %s\n# TYPE %s gauge\n" % (name, text, name)
    for p in range(3):
        yield '%s{phase="L%d"} %s\n' % (name, p + 1, _thousandth(values_ma[p]))


def _thousandth(value):
    return "%d.%03d" % divmod(value, 1000)
