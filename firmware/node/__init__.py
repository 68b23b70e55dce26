"""The node: what a board runs to keep its circuits under their limits."""

version = "0.1.0"
