"""From the converter's counts to a current that may be believed, or that says why not."""
