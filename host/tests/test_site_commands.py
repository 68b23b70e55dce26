"""`headroom site`: what was changed is listed and forgotten, by the API of the running server."""

from pathlib import Path

from click.testing import CliRunner, Result
from headroom.cli import main
from tests.api_server import served
from tests.support import World


def test_changes_are_listed_with_why_and_forgotten(tmp_path: Path) -> None:
    world = World(tmp_path)
    limit = "/api/v1/feeders/riser/limit"
    assert world.api.put(limit, json={"L1": 20_000}, headers=world.bearer).status_code == 204
    world.document["feeders"][0]["rating_ma"] = {"L1": 19_000}
    world.start()
    with served(world) as url:

        def run(*arguments: str) -> Result:
            options = ["--api", url, "--data", str(tmp_path)]
            return CliRunner().invoke(main, ["site", *arguments, *options])

        name, why = run("changes").output.splitlines()
        assert name == "feeder.riser.limit_ma\t[20000, 0, 0]"
        assert "not in force" in why
        assert run("forget", "feeder.riser.limit_ma").output.endswith("forgotten\n")
        assert run("changes").output == ""
        again = run("forget", "feeder.riser.limit_ma")
        assert (again.exit_code, "is not among the changes" in again.output) == (2, True)
    world.close()
