"""The price in the plan: what it holds off, until when, and what it leaves alone."""

import unittest

import fakes
from node import app
from test_planning import NOW, Answer, Plan, planning

CEILING = {"price_ceiling_eur_mwh": 300, "price_hysteresis_eur_mwh": 20}
SLOT_S = 60


def packed(*prices):
    """The digits of prices as PROTOCOL.md says: two of base 57 from "#" on, from -500."""
    return bytes(35 + d for price in prices for d in divmod(price + 500, 57))


def priced(*prices, **others):
    """A plan of `prices`, one a slot of SLOT_S from now on."""
    return Plan(price=(NOW, SLOT_S, packed(*prices)), **others)


class Wishes(unittest.TestCase):
    def wish(self, plan, up_s):
        plan.update(up_s)
        return plan.wish(0), plan.reason[0]

    def test_what_a_price_above_the_ceiling_holds_off(self):
        for slots, default, overrides, wish in (
            (b"1", "off", [], (0, "price")),
            (b"0", "on", [], (0, "plan")),
            (b"-", "on", [], (0, "price")),
            (b"-", "off", [], (0, "default")),
            (b"0", "off", [(0, 1, 0)], (1, "override")),
            (b"1", "on", [(0, 1, 0)], (1, "override")),
        ):
            plan = planning(default=default, **CEILING)
            plan.accept(Answer(plan=priced(301, slots=[slots], overrides=overrides)), 50)
            self.assertEqual(self.wish(plan, 51), wish)

    def test_hysteresis(self):
        prices = (300, 301, 299, 281, 280, 300, 301, 2_748, -500)
        held = (0, 1, 1, 1, 0, 0, 1, 1, 0)
        plan = planning(**CEILING)
        plan.accept(Answer(plan=priced(*prices)), 50)
        for k in range(len(prices)):
            for up_s in (50 + k * SLOT_S, 50 + (k + 1) * SLOT_S - 1):
                self.assertEqual(self.wish(plan, up_s)[1] == "price", bool(held[k]), prices[k])

    def test_a_ceiling_may_be_negative(self):
        plan = planning(price_ceiling_eur_mwh=-500, price_hysteresis_eur_mwh=1_000)
        plan.accept(Answer(plan=priced(-500, -499, -500)), 50)
        self.assertEqual(self.wish(plan, 50), (1, "default"))
        self.assertEqual(self.wish(plan, 110), (0, "price"))
        self.assertEqual(self.wish(plan, 170), (0, "price"))
        self.assertEqual(self.wish(plan, 230), (1, "default"))

    def test_a_circuit_without_a_ceiling_has_no_price(self):
        plan = planning()
        plan.accept(Answer(plan=priced(2_748)), 50)
        self.assertEqual(self.wish(plan, 51), (1, "default"))

    def test_outside_its_slots_there_is_no_price(self):
        plan = planning(**CEILING)
        plan.accept(Answer(time=NOW - 10, plan=priced(400, 290)), 50)
        self.assertEqual(self.wish(plan, 59), (1, "default"))
        self.assertEqual(self.wish(plan, 60), (0, "price"))
        self.assertEqual(self.wish(plan, 179), (0, "price"))
        self.assertEqual(self.wish(plan, 180), (1, "default"))

    def test_a_plan_without_prices_ends_them(self):
        plan = planning(**CEILING)
        plan.accept(Answer(plan=priced(400)), 50)
        self.assertEqual(self.wish(plan, 51), (0, "price"))
        plan.accept(Answer(rev=8, plan=Plan()), 52)
        self.assertEqual(self.wish(plan, 52), (1, "default"))

    def test_expiry_ends_the_price_and_keep_keeps_what_was_wanted_without_it(self):
        for safe, default, on in (("on", "on", 1), ("off", "on", 0), ("keep", "on", 1)):
            plan = planning(safe=safe, default=default, **CEILING)
            plan.accept(Answer(valid_s=30, plan=priced(400)), 50)
            self.assertEqual(self.wish(plan, 79), (0, "price"))
            for up_s in (80, 81):
                self.assertEqual(self.wish(plan, up_s), (on, "safe_link"))

    def test_after_an_expiry_the_price_is_judged_anew(self):
        plan = planning(safe="on", **CEILING)
        plan.accept(Answer(valid_s=70, plan=priced(400, 290, 290)), 50)
        self.assertEqual(self.wish(plan, 109), (0, "price"))
        self.assertEqual(self.wish(plan, 119), (0, "price"))
        self.assertEqual(self.wish(plan, 120), (1, "safe_link"))
        plan.accept(Answer(time=NOW + 80), 130)
        self.assertEqual(self.wish(plan, 130), (1, "default"))


class Compressor(unittest.TestCase):
    def setUp(self):
        self.hardware = fakes.Hardware()
        refrigerator = dict(
            fakes.board_circuit(0), kind="thermal", min_on_s=120, min_off_s=240, **CEILING
        )
        config = fakes.configuration(circuits=[refrigerator])
        self.node = app.App(config, None, self.hardware)
        self.node.start()

    def edges(self, duration_s):
        """(uptime, closed, reason) of the relay's edges, and each reason in between."""
        found = []
        reasons = set()
        closed = self.node.relays.closed[0]
        for _ in range(duration_s * 25):
            fakes.run(self.node, self.hardware, self.node.tick_ms)
            reasons.add(self.node.relays.reason[0])
            if self.node.relays.closed[0] != closed:
                closed = self.node.relays.closed[0]
                found.append((self.node.clock.up_s, closed, self.node.relays.reason[0]))
        return found, reasons

    def test_prices_that_jump_every_minute_never_cycle_it_short(self):
        plan = priced(*([400, 100] * 20))
        self.node.planning.accept(Answer(plan=plan, valid_s=5_000, lease_s=5_000), 0)
        edges, reasons = self.edges(1_500)
        self.assertTrue(len(edges) >= 6, edges)
        self.assertEqual(reasons, {"hold", "price", "default"})
        for k in range(1, len(edges)):
            least_s = 120 if edges[k - 1][1] else 240
            self.assertTrue(edges[k][0] - edges[k - 1][0] >= least_s, edges)
        self.assertEqual({edge[1:] for edge in edges}, {(1, "default"), (0, "price")})

    def test_what_a_price_holds_off_is_not_brought_back_by_shedding(self):
        self.node.planning.accept(Answer(plan=priced(400), valid_s=5_000, lease_s=5_000), 0)
        fakes.run(self.node, self.hardware, 1_000)
        self.assertEqual(self.node._wanted(), 0)


if __name__ == "__main__":
    unittest.main()
