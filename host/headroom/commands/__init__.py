"""The groups of the `headroom` command, a file each; only `headroom.cli` imports them."""
