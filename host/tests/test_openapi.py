"""The API against its own description: whatever schemathesis makes of it is answered as described.

`make fuzz` makes many more requests, and others each time.
"""

from typing import Any

import pytest
import schemathesis
from schemathesis import engine
from schemathesis.engine.events import EngineEvent, FatalError, NonFatalError, ScenarioFinished
from tests.api_server import served
from tests.support import FUZZ_EXAMPLES, World

_SEED = 4


def map_path_parameters(_context: Any, parameters: dict[str, Any] | None) -> Any:
    """Have every other request ask for what there is."""
    if not parameters:
        return parameters
    known = {"board_id": "flat-1", "circuit": 0, "feeder_id": "riser"}
    asks = sum(map(ord, str(parameters))) % 2
    return {name: known.get(name, given) if asks else given for name, given in parameters.items()}


def map_body(_context: Any, body: Any) -> Any:
    """Write integers as such: JSON Schema takes 1.0 for one, this API does not."""
    if isinstance(body, dict):
        return {name: map_body(_context, value) for name, value in body.items()}
    if isinstance(body, list):
        return [map_body(_context, value) for value in body]
    return int(body) if isinstance(body, float) and body.is_integer() else body


def fuzz(world: World, url: str) -> tuple[int, list[str]]:
    """How many requests were made of the API's description, and each answer that it forbids."""
    schema = schemathesis.openapi.from_url(f"{url}/api/v1/openapi.json")
    schema.config.update(headers=world.bearer, workers=1, continue_on_failure=True)
    schema.config.generation.update(max_examples=FUZZ_EXAMPLES or 10)
    if not FUZZ_EXAMPLES:
        schema.config.seed = _SEED
    # An order whose time is over has the right form and cannot be carried out.
    schema.config.checks.positive_data_acceptance.expected_statuses.append("422")
    schema.hook(map_path_parameters)
    schema.hook(map_body)
    requests, failures = 0, []
    for event in engine.from_schema(schema).execute():
        requests += _requests(event)
        failures += _failures(event)
    return requests, failures


def _requests(event: EngineEvent) -> int:
    return len(event.recorder.interactions) if isinstance(event, ScenarioFinished) else 0


def _failures(event: EngineEvent) -> list[str]:
    if isinstance(event, FatalError):
        raise event.exception
    if isinstance(event, NonFatalError):
        return [f"{event.label}: {event.value}"]
    if not isinstance(event, ScenarioFinished):
        return []
    checks = [check for checks in event.recorder.checks.values() for check in checks]
    return [
        f"{event.label} {check.name}: {check.failure_info.failure}\n"
        f"{check.failure_info.code_sample}"
        for check in checks
        if check.failure_info
    ]


@pytest.mark.both_databases
def test_every_answer_is_as_described(world: World) -> None:
    world.board().report(events=[[1, 9, "shed", 0, 12_000]])
    with served(world) as url:
        requests, failures = fuzz(world, url)
    print(f"{requests} requests")
    assert requests > 1000
    assert not failures, "\n\n".join(failures[:20])
