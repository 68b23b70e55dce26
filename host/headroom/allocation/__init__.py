"""Shares a feeder's limit out as leases; pure, without clock, database or network."""
