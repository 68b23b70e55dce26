"""The board's configuration: merged with its defaults once, checked once, in this place.

`/config.json` says what the board is, `/secrets.json` holds its key and the Wi-Fi password. An
unknown key is an error, and a bad value is named by its key. The tables of rules are built when
they are needed, so that none of them stays in memory.
"""

import binascii
import json

_ID_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789-"
# Pins of an ESP8266 that no flash chip sits on.
_PINS = (0, 2, 4, 5, 12, 13, 14, 15, 16)
_LARGEST_MA = 125_000
_KEY_BYTES = 32
# What a plan can carry. A ceiling at the highest price has none above it: it is none.
_PRICES_EUR_MWH = (-500, 2_748)
# A circuit is read every so many ticks as there are circuits; `readings` trusts one this long.
_READING_MS = 500


class ConfigError(ValueError):
    """Names the key and what is wrong with its value."""


def _whole(value, name, low, high):
    if type(value) is not int or not low <= value <= high:
        raise ConfigError("%s: %r is no whole number from %d to %d" % (name, value, low, high))


def _word(value, name, *choices):
    if type(value) is not type(choices[0]) or value not in choices:
        raise ConfigError("%s: %r is none of %s" % (name, value, ", ".join(map(str, choices))))


def _flag(value, name):
    if not isinstance(value, bool):
        raise ConfigError("%s: %r is neither true nor false" % (name, value))


def _text(value, name, longest):
    if not isinstance(value, str) or len(value) > longest:
        raise ConfigError("%s: %r is no text of at most %d characters" % (name, value, longest))


def _secret(value, name):
    """What is wrong with it is told, and not what it is."""
    if not isinstance(value, str) or len(value) > 64:
        raise ConfigError("%s: no text of at most 64 characters" % name)


def _address(value, name):
    parts = value.split(".") if isinstance(value, str) else []
    if len(parts) != 4 or not all(part.isdigit() and int(part) < 256 for part in parts):
        raise ConfigError("%s: %r is no numeric IPv4 address" % (name, value))


def _host(value, name):
    """Looking a name up would block. Empty: the board has no coordinator."""
    if value != "":
        _address(value, name)


def _board_id(value, name):
    _text(value, name, 32)
    if not value or value[0] == "-" or any(c not in _ID_CHARACTERS for c in value):
        raise ConfigError("%s: %r is not made of a-z, 0-9 and inner -" % (name, value))


def _numbers(value, name, count, low, high):
    if not isinstance(value, list) or len(value) != count:
        raise ConfigError("%s: %r is no list of %d numbers" % (name, value, count))
    for i, number in enumerate(value):
        _whole(number, "%s[%d]" % (name, i), low, high)


def _board_rules():
    return {"id": (None, _board_id), "mains_hz": (50, _word, 50, 60)}


def _pin_rules():
    return {
        "sda": (4, _word) + _PINS,
        "scl": (0, _word) + _PINS,
        "gate": (5, _word) + _PINS,
        "active": (1, _word, 0, 1),
    }


def _feeder_rules():
    return {
        "rating_ma": (None, _numbers, 3, 0, _LARGEST_MA),
        "safe_limit_ma": (None, _numbers, 3, 0, _LARGEST_MA),
    }


def _circuit_rules():
    return {
        "name": ("", _text, 32),
        "phase": (1, _whole, 1, 3),
        "pin": (None, _word) + _PINS,
        "channel": (None, _whole, 0, 3),
        "rated_ma": (None, _whole, 100, _LARGEST_MA),
        "limit_ma": (0, _whole, 0, _LARGEST_MA),
        "contact_ma": (10_000, _whole, 100, _LARGEST_MA),
        "contactor": (False, _flag),
        "breaking_ma": (0, _whole, 0, 1_000_000),
        "no_load_s": (86_400, _whole, 0, 1 << 24),
        "priority": (4, _whole, 1, 9),
        "kind": ("deferrable", _word, "critical", "deferrable", "thermal", "ev"),
        "safe": ("keep", _word, "on", "off", "keep"),
        "default": ("on", _word, "on", "off"),
        "sensor": ("ct", _word, "ct", "ina226"),
        "ct_ma_per_v": (30_000, _whole, 1_000, 200_000),
        # What the worst waveform measured reads low by, firmware/PROTECTION.md: 1 / 0.76.
        "spiky_percent": (32, _whole, 0, 100),
        "shunt_uohm": (0, _whole, 0, 1_000_000),
        "price_ceiling_eur_mwh": (_PRICES_EUR_MWH[1], _whole) + _PRICES_EUR_MWH,
        "price_hysteresis_eur_mwh": (10, _whole, 0, 1_000),
        "min_on_s": (0, _whole, 0, 3600),
        "min_off_s": (10, _whole, 0, 3600),
    }


def _meter_rules():
    """A current transformer on what no relay of the board switches; protection counts nothing."""
    rules = _circuit_rules()
    keys = ("name", "phase", "channel", "ct_ma_per_v", "spiky_percent")
    none = (0, _whole, 0, 0)
    fixed = {"sensor": ("ct", _word, "ct"), "rated_ma": none, "shunt_uohm": none}
    return dict([(key, rules[key]) for key in keys] + list(fixed.items()))


def _timing_rules():
    return {
        "tick_ms": (40, _whole, 25, 200),
        "limit_s": (5, _whole, 1, 60),
        "restore_wait_s": (30, _whole, 1, 3600),
        "restore_cap_s": (480, _whole, 1, 86_400),
        "retry_s": (300, _whole, 1, 86_400),
        "boot_delay_s": ([2, 10], _numbers, 2, 0, 600),
    }


def _link_rules():
    return {
        "host": ("", _host),
        "port": (8087, _whole, 1, 65_535),
        "report_s": (10, _whole, 1, 3600),
        "timeout_s": (5, _whole, 1, 60),
        "beacon_group": ("239.255.72.82", _address),
        "beacon_port": (8088, _whole, 1, 65_535),
        "reset_wedged": (True, _flag),
    }


def _http_rules():
    return {"port": (0, _whole, 0, 65_535), "charge_hours": (12, _whole, 1, 48)}


def _merge(given, rules, where=""):
    if not isinstance(given, dict):
        raise ConfigError("%s: must be an object" % (where[:-1] or "configuration"))
    for key in given:
        if key not in rules:
            raise ConfigError("%s%s: unknown key" % (where, key))
    merged = {}
    for key, rule in rules.items():
        value = given.get(key, rule[0])
        if value is None:
            raise ConfigError("%s%s: missing" % (where, key))
        rule[1](value, where + key, *rule[2:])
        merged[key] = value
    return merged


def merge(given):
    """The whole configuration with every key set. Raises ConfigError."""
    if not isinstance(given, dict):
        raise ConfigError("configuration: must be an object")
    sections = ("pins", "feeder", "circuits", "meters", "timing", "link", "wifi", "http")
    board = {key: value for key, value in given.items() if key not in sections}
    config = _merge(board, _board_rules())
    config["pins"] = _merge(given.get("pins", {}), _pin_rules(), "pins.")
    config["feeder"] = _merge(given.get("feeder", {}), _feeder_rules(), "feeder.")
    config["timing"] = _merge(given.get("timing", {}), _timing_rules(), "timing.")
    config["link"] = _merge(given.get("link", {}), _link_rules(), "link.")
    config["wifi"] = _merge(given.get("wifi", {}), {"ssid": ("", _text, 32)}, "wifi.")
    config["http"] = _merge(given.get("http", {}), _http_rules(), "http.")
    config["circuits"] = _circuits(given.get("circuits"))
    config["meters"] = _meters(given.get("meters", []))
    _check_together(config)
    return config


def _list(value, name):
    if not isinstance(value, list):
        raise ConfigError("%s: %r is no list" % (name, value))
    return value


def _circuits(given):
    if not 1 <= len(_list(given, "circuits")) <= 4:
        raise ConfigError("circuits: %d of them: one to four are needed" % len(given))
    circuits = []
    for i, one in enumerate(given):
        circuit = _merge(one, _circuit_rules(), "circuits[%d]." % i)
        circuit["limit_ma"] = circuit["limit_ma"] or circuit["rated_ma"]
        circuit["breaking_ma"] = circuit["breaking_ma"] or _breaking_ma(circuit)
        circuits.append(circuit)
    return circuits


def _meters(given):
    meters = enumerate(_list(given, "meters"))
    return [_merge(one, _meter_rules(), "meters[%d]." % i) for i, one in meters]


def _breaking_ma(circuit):
    """What any contact of its rating breaks: 1.5 times that (boards/esp12f_relay_x4/README.md)."""
    return circuit["rated_ma" if circuit["contactor"] else "contact_ma"] * 3 // 2


def _check_together(config):
    """What no key can say alone."""
    feeder = config["feeder"]
    for p in range(3):
        if feeder["safe_limit_ma"][p] > feeder["rating_ma"][p]:
            values = (p, feeder["safe_limit_ma"][p], feeder["rating_ma"][p])
            raise ConfigError("feeder.safe_limit_ma[%d]: %d is above rating_ma %d" % values)
    if config["http"]["port"] and not config["link"]["host"]:
        raise ConfigError("http.port: needs link.host, whose buffer and Wi-Fi it shares")
    low_s, high_s = config["timing"]["boot_delay_s"]
    if low_s > high_s:
        raise ConfigError("timing.boot_delay_s: %d is above %d" % (low_s, high_s))
    pins = [config["pins"][key] for key in ("sda", "scl", "gate")]
    for i, circuit in enumerate(config["circuits"]):
        _check_circuit(circuit, "circuits[%d]." % i)
        pins.append(circuit["pin"])
    if len(set(pins)) != len(pins):
        raise ConfigError("pins: %r has one twice" % pins)
    _check_sensors(config)


def _check_sensors(config):
    circuits, meters = config["circuits"], config["meters"]
    count, tick_ms = len(circuits) + len(meters), config["timing"]["tick_ms"]
    if count > 4:
        raise ConfigError("meters: with the circuits there are %d, more than four" % count)
    if count * tick_ms > _READING_MS:
        # Or a reading would be too old before its next turn.
        values = (tick_ms, count, _READING_MS // count)
        raise ConfigError("timing.tick_ms: %d: with %d sensors at most %d" % values)
    channels = []
    kinds = {}
    for i, one in enumerate(circuits + meters):
        where = "meters[%d]." % (i - len(circuits)) if one in meters else "circuits[%d]." % i
        if not config["feeder"]["rating_ma"][one["phase"] - 1]:
            raise ConfigError("%sphase: L%d has no feeder.rating_ma" % (where, one["phase"]))
        channel = (one["sensor"], one["channel"])
        if channel in channels:
            raise ConfigError("%schannel: %d is used by an earlier one" % (where, one["channel"]))
        channels.append(channel)
        if kinds.setdefault(one["phase"], one["sensor"]) != one["sensor"]:
            raise ConfigError(where + "sensor: AC and DC on one phase do not add up")


def _check_circuit(circuit, where):
    if circuit["limit_ma"] > circuit["rated_ma"]:
        values = (where, circuit["limit_ma"], circuit["rated_ma"])
        raise ConfigError("%slimit_ma: %d is above rated_ma %d" % values)
    if circuit["sensor"] == "ina226":
        _check_shunt(circuit, where)
    if circuit["contactor"]:
        _check_breaking(circuit, where)
        return
    if circuit["rated_ma"] > circuit["contact_ma"]:
        values = (where, circuit["rated_ma"], circuit["contact_ma"])
        raise ConfigError("%srated_ma: %d is above contact_ma %d without a contactor" % values)
    if circuit["kind"] == "ev":
        raise ConfigError(where + "contactor: an ev circuit needs one")
    _check_breaking(circuit, where)


def _check_shunt(circuit, where):
    shunt_uohm = circuit["shunt_uohm"]
    if shunt_uohm < 50:
        raise ConfigError("%sshunt_uohm: %d: an ina226 needs 50 or more" % (where, shunt_uohm))
    full_ma = 81_920_000 // shunt_uohm
    if full_ma < circuit["rated_ma"]:
        values = (where, shunt_uohm, full_ma)
        raise ConfigError("%sshunt_uohm: %d measures to %d mA only: below rated_ma" % values)


def _check_breaking(circuit, where):
    if circuit["breaking_ma"] < circuit["rated_ma"]:
        values = (where, circuit["breaking_ma"], circuit["rated_ma"])
        raise ConfigError("%sbreaking_ma: %d is below rated_ma %d: no relay for it" % values)


def load(path):
    """The merged configuration in the file `path`. Raises ConfigError."""
    return merge(_read(path))


def load_secrets(path):
    """The file's content with its keys as 32 bytes; one that may be left out is then empty.

    Raises ConfigError.
    """
    rules = {
        "key": (None, _secret),
        "charge_key": ("", _secret),
        "site_key": ("", _secret),
        "wifi_password": ("", _secret),
    }
    secrets = _merge(_read(path), rules)
    for name in ("key", "charge_key", "site_key"):
        secrets[name] = _key(secrets[name], name)
    if not secrets["key"]:
        raise ConfigError("key: missing")
    return secrets


def _key(text, name):
    try:
        key = binascii.unhexlify(text)
    except ValueError:
        key = b"?"
    if key and len(key) != _KEY_BYTES:
        raise ConfigError("%s: must be 64 hex digits" % name)
    return key


def _read(path):
    try:
        with open(path) as file:
            return json.load(file)
    except OSError as error:
        raise ConfigError("%s: %s" % (path, error)) from None
    except ValueError:
        raise ConfigError("%s: not JSON" % path) from None
