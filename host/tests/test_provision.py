"""What the site file allows, the firmware takes: its own check decides."""

import json
from pathlib import Path
from typing import Any

import pytest
from headroom.device.configuration import Keys, Link, board_config
from headroom.device.errors import ProvisionError
from headroom.device.firmware import config_rules
from headroom.site import SiteError, parse_site
from hypothesis import given
from hypothesis import strategies as st
from tests.support import site_document

from boards.virtual.pins import load_board

LINK = Link("192.168.1.10", 8087)

circuits = st.fixed_dictionaries(
    {
        "name": st.text(min_size=1, max_size=40),
        "phase": st.just("L1"),
        "rated_ma": st.integers(0, 200_000),
        "priority": st.integers(0, 10),
        "kind": st.sampled_from(["critical", "deferrable", "thermal", "ev"]),
        "safe": st.sampled_from(["on", "off", "keep"]),
        "contactor": st.booleans(),
        "breaking_ma": st.sampled_from([0, 5_000, 15_000, 2_000_000]),
        "no_load_s": st.sampled_from([0, 60, 1 << 25]),
        "ct_ma_per_v": st.integers(500, 300_000),
        "min_on_s": st.integers(0, 5000),
        "min_off_s": st.integers(0, 5000),
    }
)


@given(circuit=circuits)
def test_a_site_is_refused_before_a_board_is(circuit: dict[str, Any]) -> None:
    document = site_document(boards_count=1)
    document["boards"][0]["circuits"] = [circuit]
    try:
        site = parse_site(document)
    except SiteError:
        return
    # The one thing that only the module knows: what its contacts carry.
    if circuit["rated_ma"] > 10_000 and not circuit["contactor"]:
        with pytest.raises(ProvisionError, match=r"above contact_ma [0-9]+ without a contactor"):
            board_config(site, "flat-1", LINK)
    else:
        assert board_config(site, "flat-1", LINK)["circuits"][0]["name"] == circuit["name"]


sensors = st.fixed_dictionaries(
    {
        "board": st.just("flat-1"),
        "channel": st.integers(-1, 4),
        "measures": st.sampled_from(["main", "branch"]),
        "ct_ma_per_v": st.integers(500, 300_000),
        "spiky_percent": st.integers(-1, 101),
    }
)


@given(sensor=sensors)
def test_a_sensor_without_relay_is_refused_before_a_board_is(sensor: dict[str, Any]) -> None:
    document = site_document(circuits=2)
    document["feeders"][0]["meter"] = {"max_ma": {"L1": 1000}, "sensors": {"L1": sensor}}
    try:
        site = parse_site(document)
    except SiteError:
        return
    assert sensor["channel"] in (2, 3)
    expected = {key: sensor[key] for key in ("channel", "ct_ma_per_v", "spiky_percent")}
    name = f"{sensor['measures']} L1"
    assert board_config(site, "flat-1", LINK)["meters"] == [expected | {"name": name, "phase": 1}]
    assert board_config(site, "flat-2", LINK)["meters"] == []


def test_a_contact_breaks_what_the_module_or_the_site_says() -> None:
    document = site_document(boards_count=1, circuits=3)
    circuits = document["boards"][0]["circuits"]
    circuits[1] |= {"contactor": True, "rated_ma": 25_000}
    circuits[2] |= {"contactor": True, "rated_ma": 25_000, "breaking_ma": 200_000}
    entries = board_config(parse_site(document), "flat-1", LINK)["circuits"]
    # The relay's is of the module; a contactor's, 1.5 times its circuit's rating, the firmware's.
    module = load_board()
    assert [entry["breaking_ma"] for entry in entries] == [module["breaking_ma"], 0, 200_000]
    assert module["breaking_ma"] == module["contact_ma"] * 3 // 2


def test_a_boards_settings_in_the_site_file_reach_its_configuration() -> None:
    document = site_document(boards_count=1, circuits=4)
    board = document["boards"][0]
    config = board_config(parse_site(document), "flat-1", LINK)
    assert config["timing"] == {
        key: rule[0] if key != "boot_delay_s" else (2, 10)
        for key, rule in config_rules()._timing_rules().items()
    }
    assert config["link"]["reset_wedged"] is True
    board |= {"reset_wedged": False, "timing": {"limit_s": 3, "boot_delay_s": [5, 60]}}
    config = board_config(parse_site(document), "flat-1", LINK, {"limit_s": 2})
    assert config["timing"]["limit_s"] == 2
    assert config["timing"]["boot_delay_s"] == (5, 60)
    assert config["link"]["reset_wedged"] is False


def test_a_tick_too_slow_for_the_circuits_of_a_board_is_named() -> None:
    document = site_document(boards_count=1, circuits=4)
    document["boards"][0]["timing"] = {"tick_ms": 126}
    with pytest.raises(SiteError, match=r"timing.tick_ms 126: with 4 circuits at most 125"):
        parse_site(document)
    document["boards"][0]["timing"] = {"tick_ms": 125}
    assert board_config(parse_site(document), "flat-1", LINK)["timing"]["tick_ms"] == 125


@pytest.mark.parametrize("host", ["localhost", "", "192.168.1", "::1"])
def test_a_name_is_no_address(host: str) -> None:
    site = parse_site(site_document(boards_count=1))
    with pytest.raises(ProvisionError, match="a numeric IPv4 address is needed"):
        board_config(site, "flat-1", Link(host, 8087))


def test_an_unknown_board_is_named_with_those_there_are() -> None:
    with pytest.raises(ProvisionError, match=r"flat-9.*flat-1"):
        board_config(parse_site(site_document(boards_count=1)), "flat-9", LINK)


KEY = bytes(range(32))


@pytest.mark.parametrize(
    "keys", [Keys(KEY), Keys(KEY, charge=KEY[::-1]), Keys(KEY, KEY[::-1], bytes(32))]
)
def test_a_board_reads_the_keys_that_it_was_given(keys: Keys, tmp_path: Path) -> None:
    file = tmp_path / "secrets.json"
    file.write_text(json.dumps(keys.secrets("wi-fi")))
    read = config_rules().load_secrets(str(file))
    assert (read["key"], read["site_key"], read["charge_key"]) == (
        keys.board,
        keys.site,
        keys.charge,
    )
    assert read["wifi_password"] == "wi-fi"


@pytest.mark.parametrize(
    ("keys", "named"),
    [
        (Keys(b""), "key"),
        (Keys(KEY[1:]), "key"),
        (Keys(KEY, KEY + KEY), "site_key"),
        (Keys(KEY, charge=b"x"), "charge_key"),
    ],
)
def test_a_key_of_another_length_is_refused_here_and_there(
    keys: Keys, named: str, tmp_path: Path
) -> None:
    with pytest.raises(ProvisionError, match=f"^{named}: "):
        keys.secrets()
    document = {
        "key": keys.board.hex(),
        "charge_key": keys.charge.hex(),
        "site_key": keys.site.hex(),
    }
    file = tmp_path / "secrets.json"
    file.write_text(json.dumps(document))
    firmware = config_rules()
    with pytest.raises(firmware.ConfigError, match=f"^{named}: "):
        firmware.load_secrets(str(file))


def test_a_board_does_not_tell_what_is_wrong_in_a_secret(tmp_path: Path) -> None:
    file = tmp_path / "secrets.json"
    firmware = config_rules()
    for wrong in (
        {"wifi_password": "wi-fi" * 13},
        {"wifi_password": 1415926},
        {"key": "wi-fi" * 13},
    ):
        file.write_text(json.dumps({"key": KEY.hex()} | wrong))
        with pytest.raises(firmware.ConfigError, match="no text of at most 64") as told:
            firmware.load_secrets(str(file))
        assert "wi-fi" not in str(told.value)
        assert "1415926" not in str(told.value)
