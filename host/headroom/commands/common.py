"""What several commands share: options, kinds of argument, the store of a data directory."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import click

from headroom.data_dir import open_data_store
from headroom.store import Store
from headroom.web.server import Address

_Folder = click.Path(file_okay=False, path_type=Path)
FilePath = click.Path(dir_okay=False, path_type=Path)
data_option = click.option(
    "--data", required=True, type=_Folder, help="Data directory; made with mode 0700."
)


class AddressType(click.ParamType[Address]):
    name = "host:port"

    def convert(self, value: Any, param: Any, ctx: Any) -> Address:
        try:
            return value if isinstance(value, Address) else Address.parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


@contextmanager
def data_store(data: Path) -> Iterator[Store]:
    """The store of a data directory, closed afterwards; raises StoreUnavailableError.

    It lies elsewhere if `headroom` itself was given `--database`.
    """
    database = click.get_current_context().find_root().params.get("database")
    with closing(open_data_store(data, database)) as store:
        yield store
