"""Each property finds the mistake that it is there for: a node with that mistake does not pass."""

import pytest
import test_breaker_table as breaker
import test_order_properties as orders
import test_override_properties as override
import test_protection_properties as protected
from node import planning, protection, relays, shedding
from node.sensing import readings


def budget_off(patch):
    patch.setattr(protection.Guard, "_spend_budget", lambda *_: None)


def reads_are_believed(patch):
    patch.setattr(protection, "_READS_LOW", 1000)


def definite_time_off(patch):
    patch.setattr(protection.Guard, "_spend_time", lambda *_: None)


def a_trial_is_a_fresh_start(patch):
    patch.setattr(protection.Guard, "put_on_trial", lambda guard: setattr(guard, "budget", 0))


def no_inrush(patch):
    patch.setattr(protection, "_INRUSH_MS", 0)
    patch.setattr(protection, "_TWICE_MS", protection._REACTION_MS + 1)


def all_may_be_shed(patch):
    weigh = shedding.Shedding._weigh

    def weigh_all(self, circuits):
        weigh(self, circuits)
        self.sheddable = 15

    patch.setattr(shedding.Shedding, "_weigh", weigh_all)


def everything_fits(patch):
    patch.setattr(shedding.Shedding, "_fits", lambda *_: True)


def waits_are_forgotten(patch):
    shed = shedding.Shedding.shed

    def shed_for_a_second(self, *args):
        shed(self, *args)
        self._wait_s[args[0]] = 1

    patch.setattr(shedding.Shedding, "shed", shed_for_a_second)
    patch.setattr(shedding.Shedding, "_is_trial_due", lambda *_: True)


def no_trials(patch):
    patch.setattr(shedding.Shedding, "_is_trial_due", lambda *_: False)


def orders_are_in_ram(patch):
    patch.setattr(planning.Planning, "restore_orders", lambda *_: None)


def prices_are_ignored(patch):
    patch.setattr(planning.Planning, "_judge", lambda *_: None)


def no_rest(patch):
    patch.setattr(relays.Relays, "may_change", lambda *_: True)


def blind_is_idle(patch):
    patch.setattr(readings.Readings, "is_assumed", lambda *_: False)
    patch.setattr(readings, "_TRUSTED_MS", 1 << 29)


def half_of_the_breakers_time():
    breaker.test_the_board_needs_at_most_half_of_the_breakers_time(16, 60)


def half_of_it_with_low_readings():
    breaker.test_nor_does_it_need_more_with_readings_that_are_2_percent_low(1.8)


def two_hours_reach_no_breaker():
    protected.test_nor_by_a_load_that_overloads_for_two_hours_whenever_it_is_back(1.7)


def inrush_sheds_nothing():
    breaker.test_an_inrush_of_six_times_for_300_ms_sheds_nothing(0)


ordered = orders.test_limits_prices_and_minimum_times_hold_whatever_is_ordered

FOUND = [
    (ordered, definite_time_off),
    (ordered, prices_are_ignored),
    (ordered, no_rest),
    (ordered, blind_is_idle),
    (ordered, all_may_be_shed),
    (protected.test_no_excess_lasts_longer_than_its_definite_time, definite_time_off),
    (protected.test_the_breakers_curve_is_never_reached, budget_off),
    (protected.test_critical_is_never_shed, all_may_be_shed),
    (protected.test_nothing_returns_into_an_overload_but_for_a_bounded_trial, everything_fits),
    (protected.test_switching_is_bounded, waits_are_forgotten),
    (protected.test_nothing_is_locked_out_for_ever, no_trials),
    (override.test_override_off_is_obeyed_across_power_cuts, orders_are_in_ram),
    (half_of_the_breakers_time, budget_off),
    (half_of_it_with_low_readings, reads_are_believed),
    (two_hours_reach_no_breaker, a_trial_is_a_fresh_start),
    (inrush_sheds_nothing, no_inrush),
]


@pytest.mark.parametrize(("holds", "mistake"), FOUND, ids=lambda it: it.__name__)
def test_a_property_finds_its_mistake(holds, mistake, monkeypatch):
    mistake(monkeypatch)
    with pytest.raises(AssertionError):
        holds()
