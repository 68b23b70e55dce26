"""What board and coordinator each have to know is the same on both sides.

The firmware cannot import the host nor the other way round; so its constants are read here from
its source.
"""

import ast
import importlib.util
import re
from pathlib import Path
from typing import Any, get_args

import pytest
from headroom.coordinator.readings import _WAITING
from headroom.protocol import messages, prices
from headroom.protocol.messages import Reason, Report, ResetCause, SensorState
from headroom.protocol.signing import KEY_BYTES
from headroom.site import Circuit
from headroom.web.words import _TEXTS, _WHY
from pydantic import BaseModel

NODE = Path(__file__).parents[2] / "firmware" / "node"


def constant(module: str, name: str) -> Any:
    """A constant at the top of a module of the firmware."""
    for statement in ast.parse((NODE / f"{module}.py").read_text()).body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == name:
            value = statement.value
            if isinstance(value, ast.Call):  # const(...)
                value = value.args[0]
            return ast.literal_eval(value)
    raise AssertionError(f"{module}.py has no {name}")


def longest(model: type[BaseModel], key: str) -> int:
    """The most entries that a list of a message may have."""
    metadata = model.model_fields[key].metadata
    return int(next(m.max_length for m in metadata if hasattr(m, "max_length")))


def test_reasons_are_the_same_in_the_same_order() -> None:
    """An edge's event carries the index of its reason."""
    assert get_args(Reason) == constant("relays", "REASONS")
    assert set(_WHY) == set(get_args(Reason))
    assert set(constant("relays", "_SHED")) | set(_WAITING) < set(get_args(Reason))


def test_reset_causes_are_the_same() -> None:
    assert set(get_args(ResetCause)) == set(constant("hardware", "_RESETS"))


@pytest.mark.parametrize(
    ("module", "name", "value"),
    [
        ("link/report", "REPORT_BYTES", messages.MAX_REPORT_BYTES),
        ("link/answer", "_PLAN_SLOTS", messages.MAX_SLOTS),
        ("link/report", "_MOST_EVENTS", longest(Report, "events")),
        ("link/report", "_MOST_MINUTES", longest(Report, "minutes")),
        ("link/client", "_ANSWER_LONGEST", messages.MAX_ANSWER_BYTES),
        ("link/answer", "_FIRST_DIGIT", prices.FIRST_DIGIT),
        ("link/answer", "_LAST_DIGIT", prices.FIRST_DIGIT + prices.BASE - 1),
        ("planning", "_DIGIT_0", prices.FIRST_DIGIT),
        ("planning", "_BASE", prices.BASE),
        ("planning", "_LOWEST_EUR_MWH", prices.LOWEST_EUR_MWH),
        ("config", "_KEY_BYTES", KEY_BYTES),
        ("config", "_PRICES_EUR_MWH", (prices.LOWEST_EUR_MWH, prices.HIGHEST_EUR_MWH)),
    ],
)
def test_limits_are_the_same(module: str, name: str, value: int) -> None:
    assert constant(module, name) == value


def test_the_firmwares_words_are_words_of_the_protocol() -> None:
    """Sensor states and kinds of events, as the firmware's code gives them."""
    sensing = "\n".join(path.read_text() for path in (NODE / "sensing").glob("*.py"))
    for state in get_args(SensorState):
        assert f'"{state}"' in sensing, state
    assert get_args(SensorState) == constant("sensing/readings", "STATES")
    assert set(constant("sensing/readings", "_READ")) == messages.MEASURED
    kind = messages.BoardEvent.__annotations__["kind"].__metadata__[0].metadata[0].pattern
    source = "\n".join(path.read_text() for path in NODE.rglob("*.py"))
    kinds = set(re.findall(r'(?:events\.add|_tell)\(\s*"(\w+)"', source))
    assert {"plan", "overload", "state_lost", *_TEXTS} <= kinds
    for found in kinds:
        assert re.match(kind, found), found


def circuit_rules() -> dict[str, tuple[Any, ...]]:
    """What a board takes for each key of a circuit: (default, check, its arguments)."""
    spec = importlib.util.spec_from_file_location("node_config", NODE / "config.py")
    assert spec is not None
    assert spec.loader is not None
    config = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(config)
    rules: dict[str, tuple[Any, ...]] = config._circuit_rules()
    return rules


def test_the_sites_defaults_are_the_boards() -> None:
    """What the site file leaves out is the same as what a configuration leaves out."""
    rules = circuit_rules()
    ours = {key: field.default for key, field in Circuit.model_fields.items() if key in rules}
    given = {key: value for key, value in ours.items() if isinstance(value, str | int)}
    assert {"default", "min_on_s", "min_off_s", "price_hysteresis_eur_mwh"} <= set(given)
    assert given == {key: rules[key][0] for key in given}


@pytest.mark.parametrize(
    "key",
    [
        "rated_ma",
        "limit_ma",
        "priority",
        "ct_ma_per_v",
        "spiky_percent",
        "min_on_s",
        "min_off_s",
        "price_hysteresis_eur_mwh",
    ],
)
def test_a_board_takes_every_number_that_a_site_file_may_have(key: str) -> None:
    limits = {
        name: getattr(limit, name)
        for part in Circuit.model_fields[key].metadata
        for limit in getattr(part, "metadata", [part])
        for name in ("ge", "le")
        if hasattr(limit, name)
    }
    low, high = circuit_rules()[key][2:4]
    assert low <= limits["ge"] <= limits["le"] <= high
