"""The beacon: a datagram by which whoever has the site's key asks for a report, and nothing else.

It is heard by multicast and unicast on one port. What it is worth is judged by its counter, beside
those of answers and of beacons heard: so before the first answer there is nothing to judge by, and
beacons are passed over. At most one datagram is read a step, and only
while the client is idle: a flood costs no tick more than that, and no more reports than the client
allows. The signature is looked at last, once length and counter are right.
"""

from micropython import const

from node.link.signing import Signer

# Nine digits of a counter, and the signature.
_COUNTER_BYTES = const(9)
_BYTES = const(73)
# A board that is asked with all others waits up to so many steps, a fifth of a second.
_JITTER_STEPS = const(5)
# A membership is dropped and taken anew, or the network forgets it: joining once more alone tells
# nobody (igmp_joingroup of lwIP 1.4), and an ESP8266 is known to stay silent when it is asked.
# In steps: 40 s at the usual tick, and with the slowest still before networks forget (260 s).
_RENEW_STEPS = const(1000)
# As modlwip.c has them; levels of options it ignores.
_ADD_MEMBERSHIP = const(0x400)
_DROP_MEMBERSHIP = const(0x401)
_UNKNOWN = const(-1)
_MOST_REFUSED = const(1 << 29)


class Beacon:
    def __init__(self, settings, key, network, buffer):
        """`network` offers datagrams() and randint(); `buffer` is used within a step only."""
        self._port = settings["beacon_port"]
        group = [int(part) for part in settings["beacon_group"].split(".")]
        self._group = bytes(group + [0] * 4)  # on any interface
        self._key = key
        self._network = network
        self._buffer = buffer
        self._socket = None
        self._renews = 0
        self._steps = 0
        # Up to it everything is old.
        self._floor = _UNKNOWN
        self._answered = _UNKNOWN
        self.heard = 0
        self.refused = 0

    def step(self):
        """Whether a beacon asks for a report now."""
        if not self._renews:
            self._renews = _RENEW_STEPS
            self._join()
        self._renews -= 1
        if self._socket:
            count = self._socket.readinto(self._buffer, _BYTES + 1)
            if count:
                self._hear(count)
        if not self._steps:
            return False
        self._steps -= 1
        return not self._steps

    def answered(self, counter):
        """Notes the counter of an answer, -1 for none.

        Old is what the answer before it knew: a beacon that came in beside a report is read after
        it, and counts. Nothing above this answer's counter is old, whatever was heard: so a stolen
        key cannot silence beacons for longer than that.
        """
        known = max(self._floor, self._answered)
        self._floor = counter if self._floor == _UNKNOWN else min(known, counter)
        self._answered = counter

    def _join(self):
        if not self._socket:
            self._socket = self._network.datagrams(self._port)
        for option in (_DROP_MEMBERSHIP, _ADD_MEMBERSHIP):
            try:
                self._socket.setsockopt(0, option, self._group)
            except OSError:
                if option == _ADD_MEMBERSHIP:
                    raise  # to drop one that was none is no matter

    def _hear(self, count):
        if self._floor == _UNKNOWN:
            return
        text = bytes(self._buffer[:_COUNTER_BYTES])
        claim = bytes(self._buffer[_COUNTER_BYTES:_BYTES])
        if (
            count != _BYTES
            or not text.isdigit()
            or int(text) <= self._floor
            or not Signer(self._key).is_signed(claim, b"beacon\n", text)
        ):
            self.refused = min(self.refused + 1, _MOST_REFUSED)
            return
        self._floor = self.heard = int(text)
        if not self._steps:
            self._steps = self._network.randint(1, _JITTER_STEPS)
