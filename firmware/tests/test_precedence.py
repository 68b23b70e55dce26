"""Who decides about a relay: every opener against every wish, sentence by sentence of the design.

Openers never yield: override OFF, boot safety, overload and sensor safety. Wishes, the first that
speaks: override ON, the safe state in place of a plan that has run out, slot or default, which a
price may hold off.
"""

import unittest

import fakes
from node import app
from test_planning import NOW, Answer, Plan
from test_price import priced

CEILING = {"price_ceiling_eur_mwh": 300}


def overridden(node):
    node.planning.accept(Answer(plan=Plan([b""] * 4, [(0, 1, 0)])), 0)


def slotted(node):
    node.planning.accept(Answer(plan=Plan([b"1"] * 4)), 0)


def by_default(node):
    node.planning.accept(Answer(plan=Plan([b""] * 4)), 0)


def without_plan(_node):
    pass


# What wants the circuit closed, and the reason that it then has.
WISHES = (
    (overridden, "override"),
    (slotted, "plan"),
    (by_default, "default"),
    (without_plan, "safe_link"),
)


def ordered_off(node, on):
    """By hand, in place of what holds: an order for a circuit is ON or OFF."""
    node.planning._give_order(0, 0 if on else node.kept, 0)


def booting(node, on):
    node.safety._release_s[0] = 10_000 if on else 0


def unknown_orders(node, on):
    node.safety.orders_unknown = on


def shed_as(reason):
    def shed(node, on):
        if on:
            node.shedding.shed(0, reason, 1_000, node.clock.up_s)
        else:
            node.shedding.returned(0, node.clock.up_s)

    return shed


# What opens it all the same, and the reason that it then has.
OPENERS = (
    (ordered_off, "override"),
    (booting, "hold"),
    (unknown_orders, "safe_boot"),
    (shed_as("shed_feeder"), "shed_feeder"),
    (shed_as("shed_circuit"), "shed_circuit"),
    (shed_as("safe_sensor"), "safe_sensor"),
)


class Precedence(unittest.TestCase):
    def start(self, **circuit):
        self.hardware = fakes.Hardware()
        circuits = [dict(fakes.board_circuit(i), **circuit) for i in range(4)]
        self.node = app.App(fakes.configuration(circuits=circuits), None, self.hardware)
        self.node.start()

    def run_s(self, duration_s):
        fakes.run(self.node, self.hardware, 1000 * duration_s)

    def settle(self):
        """What nothing hands to the node, as an answer or an overload, is seen within a second."""
        fakes.run(self.node, self.hardware, 1000 + 4 * self.node.tick_ms)

    def relay(self):
        return self.node.relays.closed[0], self.node.relays.reason[0]

    def test_no_wish_closes_against_any_opener(self):
        for wish, wished in WISHES:
            for opener, opened in OPENERS:
                self.start(safe="on", default="on")
                wish(self.node)
                self.settle()
                self.assertEqual(self.relay(), (1, wished))
                self.node.kept = self.node.planning._order[0]
                opener(self.node, True)
                self.settle()
                self.assertEqual(self.relay(), (0, opened), (wished, opened))
                self.run_s(2)
                self.assertEqual(self.relay(), (0, opened), (wished, opened))
                opener(self.node, False)
                self.settle()
                self.assertEqual(self.relay(), (1, wished), (wished, opened))

    def test_openers_cut_a_minimum_on_time_and_leave_the_minimum_off_time(self):
        for opener, opened in OPENERS:
            self.start(safe="on", default="on", min_on_s=600, min_off_s=20)
            by_default(self.node)
            self.run_s(21)
            self.assertEqual(self.relay(), (1, "default"))
            self.node.kept = self.node.planning._order[0]
            opener(self.node, True)
            self.settle()
            self.assertEqual(self.relay(), (0, opened))
            opener(self.node, False)
            self.run_s(18)
            self.assertEqual(self.relay(), (0, "hold"), opened)
            self.run_s(3)
            self.assertEqual(self.relay(), (1, "default"))

    def test_no_wish_shortens_a_minimum_off_time_boots_included(self):
        for wish, wished in WISHES:
            self.start(safe="on", default="on", min_off_s=30)
            wish(self.node)
            self.run_s(29)
            self.assertEqual(self.relay(), (0, "hold"), wished)
            self.run_s(2)
            self.assertEqual(self.relay(), (1, wished))

    def test_no_wish_cuts_a_minimum_on_time(self):
        for plan, wished in (
            (Plan([b"0"] * 4), "plan"),
            (priced(400, 400, slots=[b""] * 4), "price"),
            (None, "safe_link"),
        ):
            self.start(safe="off", min_on_s=60, **CEILING)
            valid_s = 900 if plan else 3
            self.node.planning.accept(Answer(valid_s=valid_s, plan=Plan([b"1"] * 4)), 0)
            self.run_s(2)
            self.assertEqual(self.relay(), (1, "plan"))
            if plan:
                self.node.planning.accept(Answer(time=NOW + 2, rev=8, plan=plan), 2)
            self.run_s(55)
            self.assertEqual(self.relay(), (1, "hold"), wished)
            self.run_s(8)
            self.assertEqual(self.relay(), (0, wished))

    def test_the_sequence_of_wishes(self):
        """From the last to the first: each beats those before it."""
        self.start(safe="off", default="on", **CEILING)
        accept = self.node.planning.accept
        for answer, relay in (
            (Answer(plan=Plan([b""] * 4)), (1, "default")),
            (Answer(plan=Plan([b"0"] * 4)), (0, "plan")),
            (Answer(plan=priced(400, slots=[b"1"] * 4)), (0, "price")),
            (Answer(valid_s=0, plan=priced(400, slots=[b"1"] * 4)), (0, "safe_link")),
            (Answer(valid_s=0, plan=priced(400, overrides=[(0, 1, 0)], slots=[b"0"] * 4)),
             (1, "override")),
            (Answer(plan=Plan([b"1"] * 4, [(0, 0, 0)])), (0, "override")),
        ):  # fmt: skip
            accept(answer, self.node.clock.up_s)
            self.run_s(1)
            self.assertEqual(self.relay(), relay)

    def test_keep_keeps_what_the_plan_wanted_last(self):
        for slots, on in ((b"1", 1), (b"0", 0)):
            self.start(safe="keep", default="on" if slots == b"0" else "off")
            self.node.planning.accept(Answer(valid_s=3, plan=Plan([slots] * 4)), 0)
            self.run_s(2)
            self.assertEqual(self.relay(), (on, "plan"))
            self.run_s(10)
            self.assertEqual(self.relay(), (on, "safe_link"))

    def test_an_opener_at_expiry_does_not_become_what_keep_keeps(self):
        """What was shed or ordered off was wanted on all along."""
        for opener, opened in OPENERS:
            self.start(safe="keep", default="on")
            self.node.planning.accept(Answer(valid_s=3, plan=Plan([b""] * 4)), 0)
            self.run_s(1)
            self.node.kept = self.node.planning._order[0]
            opener(self.node, True)
            self.run_s(9)
            self.assertEqual(self.relay(), (0, opened))
            opener(self.node, False)
            self.run_s(1)
            self.assertEqual(self.relay(), (1, "safe_link"), opened)


if __name__ == "__main__":
    unittest.main()
