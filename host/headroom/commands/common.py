"""What several commands share: options, kinds of argument, the store of a data directory."""

import importlib
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import click

from headroom.data_dir import DataDirError, has_store, open_data_store
from headroom.store import Store
from headroom.web.address import Address

_Folder = click.Path(file_okay=False, path_type=Path)
FilePath = click.Path(dir_okay=False, path_type=Path)
data_option = click.option(
    "--data", required=True, type=_Folder, help="Data directory; made with mode 0700."
)


class LazyGroup(click.Group):
    """Loads the modules of some commands, `lazy` by name, only when they are needed."""

    def __init__(self, *arguments: Any, lazy: Mapping[str, str], **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        """See click.Group."""
        return sorted([*super().list_commands(ctx), *self._lazy])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """See click.Group."""
        if cmd_name not in self._lazy:
            return super().get_command(ctx, cmd_name)
        module = importlib.import_module(f"headroom.commands.{self._lazy[cmd_name]}")
        command: click.Command = getattr(module, cmd_name)
        return command


class AddressType(click.ParamType[Address]):
    name = "host:port"

    def convert(self, value: Any, param: Any, ctx: Any) -> Address:
        try:
            return value if isinstance(value, Address) else Address.parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


@contextmanager
def data_store(data: Path, *, may_make: bool = False) -> Iterator[Store]:
    """The store of a data directory, closed afterwards; raises StoreUnavailableError.

    It lies elsewhere if `headroom` itself was given `--database`. Without `may_make` a directory
    that has none raises DataDirError: a slip in a backup's `--data` shall not back up nothing.
    """
    database = click.get_current_context().find_root().params.get("database")
    if not (may_make or database or has_store(data)):
        raise DataDirError(f"{data}: has no store; name the --data that the server is given")
    with closing(open_data_store(data, database)) as store:
        yield store
