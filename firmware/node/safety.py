"""What keeps relays open although nothing is overloaded: starts, and orders nobody can read.

After a start the circuits come back one at a time, in the order of their priority, each a random
delay after the one before, so that neither a board's own loads nor a street of boards come back
in one step. Losing the coordinator is not here: only the expiry of the plan acts, in `planning`.

After too many starts that failed (`starts`) every circuit stays open, too.
"""

from array import array


class Safety:
    def __init__(self, circuits, boot_delay_s, randint, orders_unknown):
        """`orders_unknown`: the stored OFF orders could not be read.

        Somebody may work on a circuit that was ordered off; so with such a file every circuit
        stays open, as `safe_boot`, until an answer brings the complete list of orders.
        """
        count = len(circuits)
        self.orders_unknown = orders_unknown
        self.wait_s = 0  # until this uptime, because too many starts have failed
        self._since_s = 0
        self._release_s = array("i", [0] * count)
        release_s = 0
        for i in sorted(range(count), key=lambda i: circuits[i]["priority"] * 8 + i):
            release_s += randint(boot_delay_s[0], boot_delay_s[1])
            self._release_s[i] = release_s

    def opener(self, i, up_s):
        """The reason to keep circuit i open now, or None."""
        if self.orders_unknown or up_s < self.wait_s:
            self._since_s = up_s
            return "safe_boot"
        if up_s - self._since_s < self._release_s[i]:
            return "hold"
        return None
