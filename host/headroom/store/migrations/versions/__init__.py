"""Each step names the one before it; there is one newest."""
