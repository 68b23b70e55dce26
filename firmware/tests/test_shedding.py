"""Which circuits open and which return: a table of cases, and every rule over random boards."""

import random
import unittest

import fakes
from node.shedding import Shedding

TIMING = {"restore_wait_s": 30, "restore_cap_s": 480, "retry_s": 300}


def board(priorities, phases=(1, 1, 1, 1), kinds=()):
    circuits = []
    for i, priority in enumerate(priorities):
        kind = kinds[i] if i < len(kinds) else "deferrable"
        circuits.append(fakes.circuit(priority=priority, phase=phases[i], kind=kind))
    return Shedding(circuits, TIMING)


def bits(*circuits):
    return sum(1 << i for i in circuits)


class Choice(unittest.TestCase):
    def test_table(self):
        for priorities, currents, excess_ma, chosen in (
            # The lowest priority alone is enough.
            ((1, 2, 3, 4), (5000, 5000, 5000, 5000), 4000, (3,)),
            # Two of low priority go before one of high that would be enough.
            ((1, 2, 3, 4), (9000, 3000, 3000, 3000), 6000, (2, 3)),
            ((1, 4, 4, 4), (9000, 3000, 3000, 3000), 9000, (1, 2, 3)),
            # Fewer of the most important level, even at the price of more below.
            ((2, 2, 3, 4), (3000, 6000, 2000, 2000), 5500, (1,)),
            # Among one level, the least that is enough.
            ((4, 4, 4, 4), (8000, 3000, 4000, 5000), 3500, (2,)),
            # Nothing that carries nothing.
            ((1, 2, 3, 4), (5000, 5000, 0, 0), 1000, (1,)),
            # Not enough: all that help.
            ((1, 2, 3, 4), (1000, 1000, 0, 1000), 9000, (0, 1, 3)),
        ):
            shedding = board(priorities)
            got = shedding.choose((excess_ma, 0, 0), currents, 15, 0)
            self.assertEqual(got, bits(*chosen), (priorities, currents, excess_ma))

    def test_every_overloaded_phase_is_freed_and_no_other_touched(self):
        shedding = board((1, 2, 3, 4), (1, 2, 1, 3))
        got = shedding.choose((2000, 1000, 0), (3000, 3000, 3000, 9000), 15, 0)
        self.assertEqual(got, bits(1, 2))

    def test_a_circuit_over_its_own_limit_goes_and_counts(self):
        shedding = board((1, 2, 3, 4))
        got = shedding.choose((4000, 0, 0), (5000, 5000, 5000, 5000), 15, bits(0))
        self.assertEqual(got, bits(0))

    def test_critical_is_never_sheddable(self):
        shedding = board((4, 4, 4, 4), kinds=("critical", "ev", "critical"))
        self.assertEqual(shedding.sheddable, bits(1, 3))

    def test_random_boards_against_a_plain_search(self):
        random.seed(3)
        for _ in range(400):
            priorities = [random.randint(1, 4) for _ in range(4)]
            phases = [random.randint(1, 3) for _ in range(4)]
            currents = [random.choice((0, random.randrange(12_000))) for _ in range(4)]
            excess = [random.choice((0, random.randrange(1, 20_000))) for _ in range(3)]
            may = random.randrange(16)
            must = random.randrange(16) & may
            shedding = board(priorities, phases)
            got = shedding.choose(excess, currents, may, must)
            best = plain_choice(priorities, phases, currents, excess, may, must)
            self.assertEqual(got & ~may, 0)
            self.assertEqual(got & must, must)
            self.assertEqual(shedding.enough, best is not None)
            if best is None:
                self.check_helping(got, phases, currents, excess, may, must)
            else:
                self.assertEqual(rank(got, priorities, currents), rank(best, priorities, currents))

    def check_helping(self, got, phases, currents, excess, may, must):
        for i in range(4):
            helps = may >> i & 1 and currents[i] and excess[phases[i] - 1]
            self.assertEqual(bool(got >> i & 1), bool(helps or must >> i & 1))


def rank(subset, priorities, currents):
    """What the rule compares, written down as the rule says it."""
    chosen = [i for i in range(4) if subset >> i & 1]
    counts = [sum(priorities[i] == level for i in chosen) for level in range(1, 5)]
    return counts, sum(currents[i] for i in chosen)


def plain_choice(priorities, phases, currents, excess, may, must):
    best = None
    for subset in range(16):
        if subset & ~may or must & ~subset:
            continue
        freed = [0, 0, 0]
        for i in range(4):
            freed[phases[i] - 1] += currents[i] * (subset >> i & 1)
        if all(freed[p] >= excess[p] for p in range(3)):
            key = rank(subset, priorities, currents)
            if best is None or key < rank(best, priorities, currents):
                best = subset
    return best


class Return(unittest.TestCase):
    def setUp(self):
        self.shedding = board((1, 2, 3, 4))

    def candidate(self, up_s, load_ma=0, limit_ma=10_000, wanted=15, trusted=15):
        limits = (limit_ma, limit_ma, limit_ma)
        return self.shedding.may_return(up_s, (load_ma, 0, 0), limits, wanted, trusted)

    def shed(self, i, current_ma, up_s, reason="shed_feeder"):
        self.shedding.shed(i, reason, current_ma, up_s)

    def test_after_the_wait_and_with_5_percent_to_spare(self):
        self.shed(3, 4_000, 100)
        self.assertEqual(self.candidate(129), -1)
        self.assertEqual(self.candidate(130, 5_501), -1)
        self.assertEqual(self.candidate(130, 5_500), 3)
        self.assertFalse(self.shedding.trial)

    def test_the_highest_priority_first_one_at_a_time(self):
        self.shed(3, 1_000, 100)
        self.shed(1, 1_000, 100)
        self.assertEqual(self.candidate(130), 1)
        self.shedding.returned(1, 130)
        self.assertEqual(self.candidate(131), -1)
        self.assertEqual(self.candidate(132), 3)

    def test_a_lower_one_that_fits_goes_before_a_higher_that_does_not(self):
        self.shed(0, 9_000, 100)
        self.shed(3, 1_000, 100)
        self.assertEqual(self.candidate(130, 5_000), 3)

    def test_only_what_is_wanted_and_believed(self):
        self.shed(2, 1_000, 100)
        self.assertEqual(self.candidate(500, wanted=11), -1)
        self.assertEqual(self.candidate(500, trusted=11), -1)

    def test_a_trial_after_the_retry_time(self):
        self.shed(2, 9_900, 100)
        self.assertEqual(self.candidate(399, 5_000), -1)
        self.assertEqual(self.candidate(400, 5_000), 2)
        self.assertTrue(self.shedding.trial)

    def test_a_failed_trial_keeps_nothing_from_a_return_that_fits(self):
        up_s = 100
        self.shed(2, 9_900, up_s)
        for wait_s in (300, 300, 300, 300, 480):
            up_s += wait_s
            self.assertEqual(self.candidate(up_s - 1, 5_000), -1)
            self.assertEqual(self.candidate(up_s, 5_000), 2)
            self.assertTrue(self.shedding.trial)
            self.shedding.returned(2, up_s)
            up_s += 1
            self.shed(2, 9_900, up_s)
        self.assertEqual(self.candidate(up_s + 29, 5_000, 20_000), -1)
        self.assertEqual(self.candidate(up_s + 30, 5_000, 20_000), 2)
        self.assertFalse(self.shedding.trial)

    def test_after_a_return_that_fitted_by_memory_only_the_longer_wait_holds(self):
        self.shed(2, 1_000, 100)
        self.assertEqual(self.candidate(400, 9_900), 2)
        self.assertTrue(self.shedding.trial)
        self.shedding.returned(2, 400)
        self.shed(2, 1_000, 401)
        self.assertEqual(self.candidate(431), 2)
        self.shedding.returned(2, 431)
        self.shed(2, 1_000, 432)
        self.assertEqual(self.candidate(432 + 119), -1)
        self.assertEqual(self.candidate(432 + 120), 2)

    def test_own_overload_returns_by_trial_only(self):
        self.shed(2, 1_000, 100, "shed_circuit")
        self.assertEqual(self.candidate(130), 2)
        self.assertTrue(self.shedding.trial)

    def test_the_wait_doubles_to_its_cap_and_starts_anew_after_a_good_stay(self):
        up_s = 1_000
        for wait_s in (30, 60, 120, 240, 480, 480):
            self.shed(2, 1_000, up_s)
            self.assertEqual(self.candidate(up_s + wait_s - 1), -1)
            self.assertEqual(self.candidate(up_s + wait_s), 2)
            self.shedding.returned(2, up_s + wait_s)
            up_s += wait_s + 5
        self.shed(2, 1_000, up_s + 4 * 480)
        self.assertEqual(self.candidate(up_s + 4 * 480 + 30), 2)

    def test_a_load_a_little_slower_than_the_wait_is_not_switched_for_ever(self):
        up_s = sheds = 0
        while up_s < 10_000:
            self.shed(2, 1_000, up_s)
            sheds += 1
            while self.candidate(up_s) != 2:
                up_s += 1
            self.shedding.returned(2, up_s)
            up_s += 32
        self.assertTrue(sheds < 30, sheds)

    def test_nothing_is_locked_out_whatever_it_remembers(self):
        random.seed(5)
        for _ in range(200):
            shedding = board([random.randint(1, 4) for _ in range(4)])
            shed = [i for i in range(4) if random.random() < 0.7]
            for i in shed:
                shedding.shed(i, random.choice(("shed_feeder", "shed_circuit")), 90_000, 0)
            for up_s in range(1, 700):
                i = shedding.may_return(up_s, (9_000, 0, 0), (10_000, 0, 0), 15, 15)
                if i >= 0:
                    shedding.returned(i, up_s)
            self.assertEqual(shedding.reason, [None] * 4)


if __name__ == "__main__":
    unittest.main()
