"""Hours of virtual time in which nearly everything goes wrong, at random and repeatably.

``faults`` is the table of what goes wrong, ``crossing`` what messages meet between board and
coordinator, ``bench`` the board that it happens to, ``run`` when. Two judges look on and ask
nobody: ``limits`` at the plant's own currents, ``deliveries`` at what crossed the link and lies in
flash. ``report`` is what comes of it.
"""
