"""What the plan wants: precedence, slots, expiry, leases, orders."""

import unittest

import fakes
from node.planning import Planning

NOW = 1_790_000_000


class Answer:
    def __init__(self, **given):
        self.time = NOW
        self.valid_s = 900
        self.lease_ma = [12_000, 0, 0]
        self.lease_s = 30
        self.epoch = 3
        self.rev = 7
        self.seq = 41
        self.plan = None
        for key, value in given.items():
            setattr(self, key, value)


class Plan:
    def __init__(self, slots=(), overrides=(), start=NOW, step_s=900, price=(0, 1, b"")):
        self.start = start
        self.step_s = step_s
        self.slots = list(slots) + [b""] * (2 - len(slots))
        self.overrides = list(overrides)
        self.price = price
        self.charge = 1


def planning(**circuit):
    circuits = [fakes.circuit(**circuit) for _ in range(2)]
    feeder = {"rating_ma": [25_000, 0, 0], "safe_limit_ma": [5_000, 0, 0]}
    return Planning(feeder, circuits)


class Wishes(unittest.TestCase):
    def wish(self, plan, up_s, i=0):
        plan.update(up_s)
        return plan.wish(i), plan.reason[i]

    def test_before_any_plan_the_safe_state(self):
        for safe, default, on in (
            ("on", "off", 1),
            ("off", "on", 0),
            ("keep", "on", 1),
            ("keep", "off", 0),
        ):
            plan = planning(safe=safe, default=default)
            self.assertEqual(self.wish(plan, 5), (on, "safe_link"))

    def test_slots_then_default(self):
        for default, on in (("on", 1), ("off", 0)):
            plan = planning(default=default)
            plan.accept(Answer(valid_s=9_000, plan=Plan([b"10-"], start=NOW - 100)), 50)
            self.assertEqual(self.wish(plan, 60), (1, "plan"))
            self.assertEqual(self.wish(plan, 849), (1, "plan"))
            self.assertEqual(self.wish(plan, 850), (0, "plan"))
            self.assertEqual(self.wish(plan, 1_750), (on, "default"))
            self.assertEqual(self.wish(plan, 5_000), (on, "default"))
            self.assertEqual(self.wish(plan, 60, 1), (on, "default"))

    def test_slots_that_have_not_begun_have_no_wish(self):
        plan = planning(default="off")
        plan.accept(Answer(plan=Plan([b"1"], start=NOW + 100)), 50)
        self.assertEqual(self.wish(plan, 60), (0, "default"))

    def test_expiry_counts_from_the_send_and_leads_to_the_safe_state(self):
        for safe, on in (("on", 1), ("off", 0), ("keep", 1)):
            plan = planning(safe=safe)
            plan.accept(Answer(plan=Plan([b"1"], step_s=3_600)), 50)
            self.assertEqual(self.wish(plan, 949), (1, "plan"))
            self.assertEqual(self.wish(plan, 950), (on, "safe_link"))

    def test_every_answer_renews(self):
        plan = planning(safe="off")
        plan.accept(Answer(plan=Plan([b"1"], step_s=3_600)), 50)
        plan.accept(Answer(time=NOW + 800), 850)
        self.assertEqual(self.wish(plan, 1_700), (1, "plan"))

    def test_override_on_beats_plan_and_expiry_until_its_end(self):
        plan = planning(safe="off")
        plan.accept(Answer(plan=Plan([b"00000"], [(0, 1, NOW + 2_000)])), 50)
        self.assertEqual(self.wish(plan, 60), (1, "override"))
        self.assertEqual(self.wish(plan, 2_049), (1, "override"))
        self.assertEqual(self.wish(plan, 2_050), (0, "safe_link"))

    def test_an_on_order_that_ends_after_the_plan_leaves_what_keep_kept_without_it(self):
        for slots, on in ((b"00000", 0), (b"11111", 1)):
            for until, minutes in ((NOW + 2_000, 0), (0, 2_000 // 60)):
                plan = planning(safe="keep")
                orders = [(0, 1, until)] if until else []
                plan.accept(Answer(plan=Plan([slots], orders)), 50)
                plan.charge_end_s[0] = 60 * minutes
                for up_s in (60, 949, 950, 1_979):
                    self.assertEqual(self.wish(plan, up_s), (1, "override"))
                for up_s in (2_050, 90_000):
                    self.assertEqual(self.wish(plan, up_s), (on, "safe_link"))

    def test_a_clock_that_is_put_back_or_forward_moves_slots_and_ends_with_it(self):
        plan = planning(default="off")
        plan.accept(Answer(valid_s=9_000, plan=Plan([b"0110"], [(1, 0, NOW + 100)])), 50)
        self.assertEqual(self.wish(plan, 60), (0, "plan"))
        for time, wish in (
            (NOW + 900, (1, "plan")),
            (NOW - 1, (0, "default")),
            (NOW + 4 * 900, (0, "default")),
            (1 << 40, (0, "default")),
            (NOW, (0, "plan")),
        ):
            plan.accept(Answer(valid_s=9_000, time=time), 60)
            self.assertEqual(self.wish(plan, 60), wish)
        # Its end was passed by then, and what has ended stays ended.
        self.assertFalse(plan.is_ordered_off(1))

    def test_override_off_ends_only_by_its_end_or_a_newer_order(self):
        plan = planning()
        plan.accept(Answer(plan=Plan([], [(0, 0, 0), (1, 0, NOW + 100)])), 50)
        plan.update(149)
        self.assertTrue(plan.is_ordered_off(0) and plan.is_ordered_off(1))
        plan.update(100_000)
        self.assertTrue(plan.is_ordered_off(0))
        self.assertFalse(plan.is_ordered_off(1))
        plan.accept(Answer(rev=8, plan=Plan()), 100_000)
        self.assertFalse(plan.is_ordered_off(0))

    def test_stored_orders_hold_until_the_time_is_known(self):
        plan = planning()
        plan.restore_orders([(0, NOW - 5)])
        plan.update(1_000_000)
        self.assertTrue(plan.is_ordered_off(0))
        plan.accept(Answer(), 1_000_000)
        plan.update(1_000_000)
        self.assertFalse(plan.is_ordered_off(0))

    def test_a_stored_order_of_a_circuit_that_is_gone_is_passed_over(self):
        plan = planning()
        plan.restore_orders([(0, 0), (9, 0)])
        self.assertTrue(plan.is_ordered_off(0))


class Leases(unittest.TestCase):
    def limit(self, plan, up_s):
        plan.update(up_s)
        return plan.limit_ma[0], plan.lease_seq

    def test_run_from_the_send_and_fall_to_the_safe_limit(self):
        plan = planning()
        self.assertEqual(self.limit(plan, 0), (5_000, 0))
        plan.accept(Answer(plan=Plan()), 50)
        self.assertEqual(self.limit(plan, 79), (12_000, 41))
        self.assertEqual(self.limit(plan, 80), (5_000, 0))

    def test_one_of_no_time_is_none_and_one_of_no_current_is_one(self):
        plan = planning()
        plan.accept(Answer(lease_s=0, plan=Plan()), 50)
        self.assertEqual(self.limit(plan, 50), (5_000, 0))
        plan.accept(Answer(lease_ma=[0, 0, 0], seq=42), 60)
        self.assertEqual(self.limit(plan, 60), (0, 42))

    def test_never_exceed_the_rating(self):
        plan = planning()
        plan.accept(Answer(lease_ma=[90_000, 10_000, 0], plan=Plan()), 50)
        plan.update(51)
        self.assertEqual(list(plan.limit_ma), [25_000, 0, 0])

    def test_a_lower_lease_binds_at_once(self):
        plan = planning()
        plan.accept(Answer(plan=Plan()), 50)
        plan.accept(Answer(lease_ma=[2_000, 0, 0], seq=42), 60)
        self.assertEqual(self.limit(plan, 61), (2_000, 42))


if __name__ == "__main__":
    unittest.main()
