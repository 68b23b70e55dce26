"""Every fault in every mode at three loads, and the state that the documentation has it end in.

``modes`` and ``faults`` are tables, ``documented`` is the rule that says what has to happen,
``rig`` the board that it happens on, ``page`` the table of firmware/PROTECTION.md.
"""
