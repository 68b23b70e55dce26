"""What can go wrong with the whole store."""


class StoreUnavailableError(Exception):
    """The store cannot be opened, read or written; says which and why."""
