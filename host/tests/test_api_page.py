"""host/API.md: its commands are run and its tables are made anew; the page has to say the same."""

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from headroom.history.recorder import Recorder
from headroom.protocol import problems
from headroom.web import api_app
from headroom.web.openapi import openapi_document
from tests.api_server import served
from tests.support import World

_ROOT = Path(__file__).parent.parent.parent
_PAGE = _ROOT / "host" / "API.md"
_MADE = _ROOT / "build" / "API.md"
_CONSOLE = re.compile(r"(?<=```console\n).*?(?=```\n)", re.DOTALL)
_TABLE = re.compile(r"(<!-- (?!end)(\w+) -->\n).*?(?=<!-- end -->)", re.DOTALL)


def made_anew(page: str, run: Callable[[str], str], tables: dict[str, str]) -> str:
    """The page with what its commands print and with its tables."""

    def console(block: re.Match[str]) -> str:
        commands = [line for line in block[0].splitlines() if line.startswith("$ ")]
        return "".join(f"{command}\n{run(command[2:])}" for command in commands)

    page = _CONSOLE.sub(console, page)
    return _TABLE.sub(lambda table: table[1] + tables[table[2]], page)


def problem_table() -> str:
    """Every problem by the end of its `type`."""
    rows = [f"| `{kind.slug}` | {kind.status} | {kind.title} |\n" for kind in problems.ALL]
    base = problems.MALFORMED.uri.removesuffix("malformed")
    return f"| `{base}...` | status | title |\n|---|---|---|\n" + "".join(rows)


def operation_table(document: dict[str, Any]) -> str:
    """Every operation with its role, as it describes itself."""
    rows = [
        f"| `{method.upper()} {path.removeprefix('/api/v1')}` | {role(described)} "
        f"| {described['summary']} |\n"
        for path, methods in document["paths"].items()
        for method, described in methods.items()
    ]
    return "| under `/api/v1` | role | what |\n|---|---|---|\n" + "".join(rows)


def role(described: dict[str, Any]) -> str:
    """Who may do it."""
    found = re.search(r"Takes the role `(\w+)`", described["description"])
    return f"`{found[1]}`" if found else "everybody"


def site_after_two_minutes(folder: Path) -> World:
    """A site whose first board has reported and shed a circuit."""
    world = World(folder)
    board = world.board()
    for minute in range(2):
        for _ in range(6):
            board.report(circuits=[[6200 + 100 * minute, 20, "ok", 1, "plan"]])
            world.clock.advance(10)
    board.report(
        circuits=[[0, 20, "ok", 0, "shed_feeder"]],
        events=[[1, 59, "shed", 0, 2], [2, 69, "plan", -1, 1]],
    )
    recorder = Recorder(lambda: world.site, world.store)
    while recorder.step(world.clock.unix_s()):
        pass
    return world


def test_the_page_says_what_the_server_answers(tmp_path: Path) -> None:
    world = site_after_two_minutes(tmp_path / "data")

    def run(command: str) -> str:
        if command.startswith("export"):
            return ""
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=tmp_path,
            env=os.environ | {"HEADROOM": url},
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
        return done.stdout if not done.stdout or done.stdout.endswith("\n") else f"{done.stdout}\n"

    tables = {
        "problems": problem_table(),
        "operations": operation_table(openapi_document(api_app(world.coordinator))),
    }
    with served(world) as url:
        page = made_anew(_PAGE.read_text(), run, tables)
    world.close()
    _MADE.parent.mkdir(exist_ok=True)
    _MADE.write_text(page)
    assert page == _PAGE.read_text(), "copy build/API.md to host/API.md if that is what was meant"
