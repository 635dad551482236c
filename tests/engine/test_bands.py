from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from engine import Band, Calendar, Window, split
from engine.bands import epoch
from hypothesis import given
from hypothesis import strategies as st
from slow_rater import slow_band
from strategies import ZONES, bands, clock_changes, starts

UTC = ZoneInfo("UTC")
MADRID = ZoneInfo("Europe/Madrid")
WEEKDAYS, WEEKEND, ALL = (1, 2, 3, 4, 5), (6, 7), (1, 2, 3, 4, 5, 6, 7)
HOUR, DAY = 3600, 86400
PEAK = Band("peak", [(WEEKDAYS, 0, 18 * HOUR)])
EVENING = Band("evening", [(WEEKDAYS, 18 * HOUR, DAY)])
WEEK_END = Band("weekend", [(WEEKEND, 0, DAY)])
NIGHT = Band("night", [(ALL, 22 * HOUR, 6 * HOUR)])


def second_by_second(start, seconds, zone, bands):
    parts = []
    for second in range(seconds):
        index = slow_band(start, second, zone, bands)
        if parts and parts[-1][0] == index:
            parts[-1] = (index, parts[-1][1] + 1)
        else:
            parts.append((index, 1))
    return parts


@given(starts | clock_changes, st.integers(0, 4000), st.sampled_from(ZONES), bands(3))
def test_as_second_by_second(start, seconds, zone, bands):
    zone = ZoneInfo(zone)
    assert split(start, seconds, zone, bands) == second_by_second(start, seconds, zone, bands)


@given(clock_changes, st.integers(0, 40), st.sampled_from(ZONES), bands(3))
def test_days_around_a_clock_change(start, hours, zone, bands):
    """Whole days, sampled where the band changes: before and after each cut."""
    zone = ZoneInfo(zone)
    parts = split(start, hours * HOUR, zone, bands)
    assert sum(seconds for _index, seconds in parts) == hours * HOUR
    elapsed = 0
    for index, seconds in parts:
        for second in {elapsed, elapsed + seconds // 2, elapsed + seconds - 1}:
            assert slow_band(start, second, zone, bands) == index
        elapsed += seconds


def test_no_bands_is_the_fast_path():
    assert split(datetime(2026, 1, 1), 100, UTC, ()) == [(None, 100)]
    assert split(datetime(2026, 1, 1), 0, UTC, [NIGHT]) == []


def test_crossing_a_border():
    # cgrates/cgrates engine/calldesc_test.go TestGetCost: a call crosses 18:00
    bands = [PEAK, EVENING, WEEK_END]
    assert split(datetime(2012, 2, 2, 17, 30), 3600, UTC, bands) == [(0, 1800), (1, 1800)]
    # TestSpansMultipleRatingPlans: crosses midnight
    assert split(datetime(2012, 2, 7, 23, 50), 2400, UTC, bands) == [(1, 600), (0, 1800)]


def test_a_long_week_end_is_one_part():
    # cgrates TestGetCostRatingPlansAndRatingIntervalsMoreDaysWeekend: five segments
    seconds = int((datetime(2012, 2, 27, 18, 10) - datetime(2012, 2, 24, 9, 50)).total_seconds())
    parts = split(datetime(2012, 2, 24, 9, 50), seconds, UTC, [PEAK, EVENING, WEEK_END])
    assert [index for index, _seconds in parts] == [0, 1, 2, 0, 1]


def test_a_window_past_midnight_belongs_to_the_day_it_starts():
    friday_night = Band("friday", [((5,), 22 * HOUR, 6 * HOUR)])
    friday = datetime(2026, 5, 1, 21)
    assert friday.isoweekday() == 5
    assert split(friday, 12 * HOUR, UTC, [friday_night]) == [
        (None, HOUR),
        (0, 8 * HOUR),
        (None, 3 * HOUR),
    ]
    assert split(friday - timedelta(days=1), 12 * HOUR, UTC, [friday_night]) == [(None, 12 * HOUR)]


def test_the_first_matching_band_wins():
    noon = datetime(2026, 5, 4, 12)
    assert split(noon, 60, UTC, [PEAK, Band("all", [(ALL, 0, DAY)])]) == [(0, 60)]
    assert split(noon, 60, UTC, [Band("all", [(ALL, 0, DAY)]), PEAK]) == [(0, 60)]


def test_equal_hours_are_a_whole_day():
    assert split(datetime(2026, 5, 4), DAY, UTC, [Band("all", [(ALL, 0, 0)])]) == [(0, DAY)]
    parts = split(datetime(2026, 5, 4), 2 * DAY, UTC, [Band("from noon", [((1,), 43200, 43200)])])
    assert parts == [(None, 43200), (0, DAY), (None, 43200)]


def test_the_day_of_23_hours():
    # Madrid, 29 March 2026: 02:00 becomes 03:00. The local day starts at 23:00 UTC.
    assert split(datetime(2026, 3, 28, 23), 23 * HOUR, MADRID, [NIGHT]) == [
        (0, 5 * HOUR),
        (None, 16 * HOUR),
        (0, 2 * HOUR),
    ]


def test_the_day_of_25_hours():
    # Madrid, 25 October 2026: 03:00 becomes 02:00. The local day starts at 22:00 UTC.
    assert split(datetime(2026, 10, 24, 22), 25 * HOUR, MADRID, [NIGHT]) == [
        (0, 7 * HOUR),
        (None, 16 * HOUR),
        (0, 2 * HOUR),
    ]


def test_the_hour_that_comes_twice_counts_twice_and_the_lost_one_not():
    two_to_three = [Band("two", [(ALL, 2 * HOUR, 3 * HOUR)])]
    autumn = split(datetime(2026, 10, 24, 22), 25 * HOUR, MADRID, two_to_three)
    assert autumn == [(None, 2 * HOUR), (0, 2 * HOUR), (None, 21 * HOUR)]
    spring = split(datetime(2026, 3, 28, 23), 23 * HOUR, MADRID, two_to_three)
    assert spring == [(None, 23 * HOUR)]


def test_a_month_ends_and_a_leap_day():
    tuesday_to_thursday = datetime(2028, 2, 28, 23)  # a Monday; 29 February follows
    parts = split(tuesday_to_thursday, 2 * DAY, UTC, [Band("tuesday", [((2,), 0, DAY)])])
    assert parts == [(None, HOUR), (0, DAY), (None, DAY - HOUR)]
    new_year = split(datetime(2026, 12, 31, 23), 2 * HOUR, UTC, [Band("friday", [((5,), 0, DAY)])])
    assert new_year == [(None, HOUR), (0, HOUR)]


def test_a_holiday_beats_the_weekday():
    # cgrates TestCalldescHolliday: 1 May is a holiday for the whole call
    holiday = Band("holiday", [Window(frozenset(ALL), 0, DAY, months={5}, days={1})])
    bands = [holiday, PEAK, EVENING, WEEK_END]
    assert split(datetime(2015, 5, 1, 13, 30), 326, UTC, bands) == [(0, 326)]
    assert split(datetime(2015, 4, 30, 13, 30), 326, UTC, bands) == [(1, 326)]
    assert split(datetime(2015, 4, 30, 23, 59), 120, UTC, bands) == [(2, 60), (0, 60)]


@pytest.mark.parametrize(
    ("moment", "inside"),
    [
        # cgrates engine/rateinterval_test.go TestRateIntervalEverything
        (datetime(2012, 2, 1, 14, 30, 1), True),
        (datetime(2012, 2, 1, 15, 0, 1), False),
        (datetime(2011, 2, 1, 15, 0, 0), False),
    ],
)
def test_a_dated_window(moment, inside):
    window = Window(frozenset({3, 4}), 52200, 54000, {2012}, {2}, {1})
    assert split(moment, 1, UTC, [Band("x", [window])]) == [(0 if inside else None, 1)]


def test_aware_and_naive_starts_are_the_same():
    naive = datetime(2026, 5, 4, 12, 0, 0, 999_999)
    aware = naive.replace(tzinfo=timezone.utc).astimezone(MADRID)
    assert epoch(naive) == epoch(aware) == epoch(naive.replace(microsecond=0))
    assert epoch(datetime(1969, 12, 31, 23, 59, 59, 500_000)) == -1


def test_a_second_belongs_to_the_band_in_which_it_begins():
    start = datetime(2026, 5, 4, 17, 59, 58, 700_000)
    assert split(start, 5, UTC, [PEAK, EVENING]) == [(0, 2), (1, 3)]


def test_midnight_that_comes_twice():
    """Havana goes back from 01:00 to 00:00, Beirut from 24:00 to 23:00 of the day before."""
    for name, start in [
        ("America/Havana", datetime(2026, 11, 1, 3)),
        ("Asia/Beirut", datetime(2026, 10, 24, 19)),
    ]:
        zone = ZoneInfo(name)
        bands = [Band("sunday", [((7,), 0, DAY)]), NIGHT]
        assert split(start, 9000, zone, bands) == second_by_second(start, 9000, zone, bands)


def test_the_calendar_does_not_grow_without_end():
    holiday = Band("holiday", [Window(frozenset(ALL), 0, DAY, months={5})])
    calendar = Calendar([holiday], UTC)
    for day in range(2500):
        calendar.at(day * DAY)
    assert len(calendar._days) <= 1000


@pytest.mark.parametrize("window", [((0,), 0, 10), ((8,), 0, 10), ((1,), -1, 10), ((1,), 0, 86401)])
def test_bad_windows(window):
    with pytest.raises(ValueError, match="band bad"):
        Band("bad", [window])
