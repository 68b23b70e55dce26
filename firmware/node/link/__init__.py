"""The talk with the coordinator: never needed for protection, never able to hold it up."""


class MessageError(ValueError):
    """What in an answer is not as PROTOCOL.md says."""
