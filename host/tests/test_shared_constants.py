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
from headroom.site import Board, Circuit
from headroom.site.timing import Delay, Timing
from headroom.web.words import _TEXTS, _WHY
from pydantic import BaseModel
from pydantic.fields import FieldInfo

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


Rules = dict[str, tuple[Any, ...]]


def rules_of(table: str) -> Rules:
    """What a board takes for each key of a table: (default, check, its arguments)."""
    spec = importlib.util.spec_from_file_location("node_config", NODE / "config.py")
    assert spec is not None
    assert spec.loader is not None
    config = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(config)
    rules: Rules = getattr(config, f"_{table}_rules")()
    return rules


def limits_of(annotated: Any) -> tuple[int, int]:
    """The least and the most that a number of the site file may be."""
    limits = {
        name: getattr(limit, name)
        for part in annotated.metadata
        for limit in getattr(part, "metadata", [part])
        for name in ("ge", "le")
        if hasattr(limit, name)
    }
    return limits["ge"], limits["le"]


def test_a_boards_timing_in_the_site_file_is_the_boards() -> None:
    rules = rules_of("timing")
    delays = rules.pop("boot_delay_s")
    fields = dict(Timing.model_fields)
    assert delays[0] == list(fields.pop("boot_delay_s").default)
    assert delays[3:] == limits_of(FieldInfo.from_annotation(Delay))
    ours = {key: (field.default, *limits_of(field)) for key, field in fields.items()}
    assert ours == {key: (rule[0], *rule[2:]) for key, rule in rules.items()}
    assert rules_of("link")["reset_wedged"][0] is Board.model_fields["reset_wedged"].default


def test_the_sites_defaults_are_the_boards() -> None:
    """What the site file leaves out is the same as what a configuration leaves out."""
    rules = rules_of("circuit")
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
    least, most = limits_of(Circuit.model_fields[key])
    low, high = rules_of("circuit")[key][2:4]
    assert low <= least <= most <= high
