"""The messages between a board and its coordinator, as PROTOCOL.md in this folder states them."""
