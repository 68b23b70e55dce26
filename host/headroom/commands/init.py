"""`headroom init`: a site file to go on from."""

from pathlib import Path

import click

from headroom.commands.common import FilePath
from headroom.site.template import site_template


@click.command()
@click.argument("file", type=FilePath)
@click.option("--name", default="My site", show_default=True, help="What people call the site.")
@click.option(
    "--amps",
    default=25,
    show_default=True,
    type=click.IntRange(6, 1000),
    help="Rating of the main breaker in A.",
)
@click.option("--phases", default=1, show_default=True, type=click.IntRange(1, 3))
@click.option("--boards", default=2, show_default=True, type=click.IntRange(1, 32))
def init(file: Path, name: str, amps: int, phases: int, boards: int) -> None:
    """Write a commented site file to FILE, which must not be there yet."""
    if '"' in name or "\\" in name or not name.isprintable() or not 0 < len(name) <= 64:
        raise click.UsageError("--name: 1 to 64 printable characters without quotes")
    try:
        with file.open("x", encoding="utf-8") as new:
            new.write(site_template(name, amps * 1000, phases, boards))
    except OSError as error:
        raise click.UsageError(f"{file}: cannot be written: {error.strerror}") from error
    click.echo(f"{file}: change it to fit, then `headroom doctor --site {file} --data DIR`")
