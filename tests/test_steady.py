"""What is judged to grow at a steady load: invented series of memory."""

import random

import pytest
from steady import growth, slope
from test_soak import GROWTH, SAMPLES

MIB = 1024 * 1024
MOST = GROWTH.resident
HALF_AN_HOUR = [number * 30 / SAMPLES for number in range(SAMPLES)]
"""The minutes of a long run's samples."""


@pytest.mark.parametrize("seed", range(20))
def test_a_leak_of_a_mib_in_ten_minutes_is_seen_in_half_an_hour_under_noise(seed):
    noise = random.Random(seed)
    assert growth([62 * MIB + at / 10 * MIB + noise.gauss(0, MIB / 8) for at in HALF_AN_HOUR]) > MOST


@pytest.mark.parametrize("seed", range(20))
def test_noise_is_no_growth(seed):
    noise = random.Random(seed)
    assert abs(growth([62 * MIB + noise.gauss(0, MIB / 8) for _ in HALF_AN_HOUR])) < MOST


def test_what_fills_in_the_first_half_is_no_growth():
    assert growth([62 * MIB + min(at / 12, 1) * 5 * MIB for at in HALF_AN_HOUR]) == 0


def test_what_begins_to_leak_in_the_second_half_is_seen():
    assert growth([62 * MIB + max(0, at - 18) / 4 * MIB for at in HALF_AN_HOUR]) > MOST


@pytest.mark.parametrize("spike", [-40 * MIB, 40 * MIB])
def test_single_values_that_are_far_off_are_no_growth(spike):
    values = [62 * MIB for _ in HALF_AN_HOUR]
    values[-1] = values[-9] = 62 * MIB + spike
    assert growth(values) == 0


def test_steps_up_one_after_the_other_are_growth_and_a_single_one_is_none():
    assert growth([62 * MIB + at // 3 * MIB for at in HALF_AN_HOUR]) > MOST
    assert growth([62 * MIB + (at > 26) * 4 * MIB for at in HALF_AN_HOUR]) == 0


def test_a_slope_is_the_median_of_those_of_all_pairs():
    assert slope([1, 3, 5, 7]) == 2
    assert slope([5, 1, 3]) == -1
    assert growth([9, 0, 9, 1, 3, 5, 7]) == 6
