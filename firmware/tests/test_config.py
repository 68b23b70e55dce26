"""The configuration: what is refused, and that the refusal names the key."""

import json
import unittest

import fakes
from node.config import ConfigError, merge


def board():
    return {
        "id": "flat-1",
        "feeder": {"rating_ma": [25_000, 0, 0], "safe_limit_ma": [5_000, 0, 0]},
        "circuits": [
            {"pin": 16, "channel": 0, "rated_ma": 10_000},
            {"pin": 14, "channel": 1, "rated_ma": 8_000},
        ],
        "meters": [{"channel": 3}],
    }


def put(config, path, value):
    for key in path[:-1]:
        config = config.setdefault(key, {}) if isinstance(config, dict) else config[key]
    if value is None:
        del config[path[-1]]
    else:
        config[path[-1]] = value


class Merging(unittest.TestCase):
    def test_defaults(self):
        config = merge(board())
        self.assertEqual(config["timing"]["limit_s"], 5)
        self.assertEqual(config["circuits"][1]["limit_ma"], 8_000)
        self.assertEqual(config["circuits"][1]["safe"], "keep")
        self.assertEqual(config["pins"]["gate"], 5)

    def test_a_full_configuration_merges_to_itself(self):
        config = merge(board())
        self.assertEqual(merge(json.loads(json.dumps(config))), config)

    def test_the_fakes_are_valid(self):
        self.assertEqual(len(fakes.configuration()["circuits"]), 4)

    def test_refusals_name_their_key(self):
        for path, value, named in (
            (("id",), None, "id: missing"),
            (("id",), "Flat 1", "id:"),
            (("id",), "-flat", "id:"),
            (("mains_hz",), 55, "mains_hz:"),
            (("mains_hz",), 50.0, "mains_hz: 50.0 is none of 50, 60"),
            (("pins", "active"), True, "pins.active: True is none of"),
            (("circuits", 0, "pin"), 16.0, "circuits[0].pin: 16.0 is none of"),
            (("colour",), "red", "colour: unknown"),
            (("feeder", "rating_ma"), [25_000], "feeder.rating_ma:"),
            (("feeder", "rating_ma"), [25_000, "x", 0], "feeder.rating_ma[1]:"),
            (("feeder", "safe_limit_ma"), [26_000, 0, 0], "feeder.safe_limit_ma[0]: 26000 is"),
            (("feeder",), [], "feeder: must be an object"),
            (("circuits",), {}, "circuits: {} is no list"),
            (("circuits",), [], "circuits: 0 of them"),
            (("circuits",), [{}] * 5, "circuits: 5 of them"),
            (("circuits", 0), 3, "circuits[0]: must be an object"),
            (("circuits", 0, "phase"), 2, "circuits[0].phase: L2 has no feeder.rating_ma"),
            (("circuits", 0, "pin"), 1, "circuits[0].pin:"),
            (("circuits", 1, "pin"), 16, "pins:"),
            (("circuits", 1, "pin"), 5, "pins:"),
            (("circuits", 1, "channel"), 0, "circuits[1].channel: 0 is used"),
            (
                ("circuits", 0, "rated_ma"),
                10_001,
                "circuits[0].rated_ma: 10001 is above contact_ma",
            ),
            (("circuits", 0, "rated_ma"), True, "circuits[0].rated_ma:"),
            (("circuits", 0, "limit_ma"), 10_001, "circuits[0].limit_ma: 10001 is above rated_ma"),
            (("circuits", 0, "kind"), "ev", "circuits[0].contactor:"),
            (("circuits", 0, "safe"), "maybe", "circuits[0].safe:"),
            (("circuits", 0, "sensor"), "shunt", "circuits[0].sensor:"),
            (("circuits", 0, "sensor"), "ina226", "circuits[0].shunt_uohm: 0:"),
            (("circuits", 0, "shunt_uohm"), -1, "circuits[0].shunt_uohm:"),
            (("circuits", 0, "breaking_ma"), 9_999, "circuits[0].breaking_ma: 9999 is below"),
            (("circuits", 0, "no_load_s"), -1, "circuits[0].no_load_s:"),
            (("circuits", 0, "contactor"), 1, "circuits[0].contactor:"),
            (("circuits", 0, "watts"), 1, "circuits[0].watts: unknown"),
            (("meters",), {}, "meters: "),
            (("meters",), [{"channel": c} for c in (2, 3, 2)], "meters: with the circuits"),
            (("meters", 0, "channel"), None, "meters[0].channel: missing"),
            (("meters", 0, "channel"), 1, "meters[0].channel: 1 is used"),
            (("meters", 0, "phase"), 2, "meters[0].phase:"),
            (("meters", 0, "pin"), 12, "meters[0].pin: unknown"),
            (("meters", 0, "priority"), 4, "meters[0].priority: unknown"),
            (("meters", 0, "sensor"), "ina226", "meters[0].sensor:"),
            (("timing", "boot_delay_s"), [9, 2], "timing.boot_delay_s: 9 is above 2"),
            (("timing", "tick_ms"), 0, "timing.tick_ms:"),
            (("link", "port"), 0, "link.port:"),
            (("link", "host"), "flat.lan", "link.host: 'flat.lan' is no numeric"),
            (("link", "host"), "10.0.0.256", "link.host:"),
            (("link", "beacon_port"), 0, "link.beacon_port:"),
            (("link", "beacon_group"), "239.1.1", "link.beacon_group:"),
            (("link", "beacon_group"), "239.1.1.256", "link.beacon_group:"),
            (("link", "beacon_group"), "239.1.1.x", "link.beacon_group:"),
            (
                ("circuits", 0, "price_ceiling_eur_mwh"),
                2_749,
                "circuits[0].price_ceiling_eur_mwh:",
            ),
            (("circuits", 0, "price_hysteresis_eur_mwh"), -1, "circuits[0].price_hysteresis_eur"),
        ):
            config = board()
            put(config, path, value)
            try:
                merge(config)
            except ConfigError as error:
                self.assertTrue(str(error).startswith(named), (named, str(error)))
            else:
                self.fail(named)

    def test_ticks_are_no_slower_than_readings_are_trusted(self):
        for count, tick_ms, good in (
            (4, 125, 1),
            (4, 126, 0),
            (3, 166, 1),
            (3, 167, 0),
            (2, 200, 1),
        ):
            # A meter has its turn as a circuit has.
            circuits = [fakes.board_circuit(i) for i in range(count - 1)]
            meters = [{"channel": 3}]
            given = {"circuits": circuits, "meters": meters, "timing": {"tick_ms": tick_ms}}
            if good:
                fakes.configuration(**given)
                continue
            with self.assertRaises(ConfigError):
                fakes.configuration(**given)

    def test_a_shunt_measures_what_its_circuit_is_rated_for(self):
        config = board()
        del config["meters"]
        config["circuits"] = [{"pin": 16, "channel": 0, "rated_ma": 10_000, "sensor": "ina226"}]
        for shunt_uohm in (50, 8_192):
            config["circuits"][0]["shunt_uohm"] = shunt_uohm
            self.assertEqual(merge(config)["circuits"][0]["shunt_uohm"], shunt_uohm)
        config["circuits"][0]["shunt_uohm"] = 8_193
        with self.assertRaises(ConfigError) as caught:
            merge(config)
        self.assertIn("8193 measures to 9998 mA only", str(caught.exception))

    def test_the_kinds_have_channels_of_their_own_and_never_share_a_phase(self):
        config = board()
        config["circuits"][1].update({"channel": 0, "sensor": "ina226", "shunt_uohm": 2_000})
        with self.assertRaises(ConfigError) as caught:
            merge(config)
        self.assertIn("AC and DC on one phase", str(caught.exception))
        config["feeder"]["rating_ma"][1] = 10_000
        config["circuits"][1]["phase"] = 2
        self.assertEqual(merge(config)["circuits"][1]["sensor"], "ina226")

    def test_a_contact_breaks_half_more_than_its_rating_unless_told(self):
        config = board()
        config["circuits"][0].update({"rated_ma": 6_000})
        config["circuits"][1].update({"rated_ma": 32_000, "contactor": True})
        breaking_ma = [c["breaking_ma"] for c in merge(config)["circuits"]]
        self.assertEqual(breaking_ma, [15_000, 48_000])
        config["circuits"][1]["breaking_ma"] = 256_000
        self.assertEqual(merge(config)["circuits"][1]["breaking_ma"], 256_000)

    def test_a_contactor_may_carry_more_than_the_contact(self):
        config = board()
        config["circuits"][0].update({"rated_ma": 32_000, "contactor": True, "kind": "ev"})
        self.assertEqual(merge(config)["circuits"][0]["rated_ma"], 32_000)


if __name__ == "__main__":
    unittest.main()
