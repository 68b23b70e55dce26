"""What `app.current.status()` shows a person at the REPL. Loaded for that, and dropped."""


def lines(app):
    """A table of the circuits and a line each of limits, plan, start, ticks, link and own HTTP."""
    relays = app.relays
    readings = app.readings
    text = ["%-16s %8s %-11s %-6s %s" % ("circuit", "mA", "sensor", "relay", "reason")]
    for i in range(relays.count):
        state = "closed" if relays.closed[i] else "open"
        row = (app.names[i], readings.last_ma[i], readings.state[i], state, relays.reason[i])
        text.append("%-16s %8d %-11s %-6s %s" % row)
    for i in range(relays.count, len(app.sensors)):
        row = (app.names[i], readings.last_ma[i], readings.state[i])
        text.append("%-16s %8d %-11s -      meter" % row)
    planning = app.planning
    limits = (list(app.protection.load_ma), list(planning.limit_ma))
    text.append("load mA %s limit mA %s" % limits)
    plan = "expired" if planning.expired else "valid"
    text.append("plan %d.%d %s" % (planning.epoch, planning.rev, plan))
    text.append("up %d s, boot %d" % (app.clock.up_s, app.storage.boot))
    text.append("reset %s, failed starts %d%s" % _start(app))
    text.append("longest tick %d us, dropped %d" % (app.longest_us, app.dropped))
    client = app.client
    if client:
        link = (client.answers, client.errors, client.last_error)
        text.append("answers %d, errors %d %s" % link)
        if client.server:
            text.append("http errors %d %s" % (client.server.errors, client.server.last_error))
    return text


def _start(app):
    left_s = app.safety.wait_s - app.clock.up_s
    wait = ", safe_boot for %d s more" % left_s if left_s > 0 else ""
    return app.reset, len(app.storage.starts) - 3, wait
