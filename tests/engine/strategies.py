"""Random tariffs and sessions for the property tests."""

from datetime import datetime, timedelta
from decimal import Decimal

from engine import Band, Derivation, Package, Rate, Terms, VolumeTier
from hypothesis import strategies as st

METHODS = ["up", "down", "half_up", "half_even"]
ZONES = ["UTC", "Europe/Madrid", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]

starts = st.datetimes(datetime(2023, 1, 1), datetime(2027, 12, 31)).map(lambda moment: moment.replace(microsecond=0))
# Sundays on which clocks change, in Europe, America and Lord Howe (by half an hour).
clock_changes = st.builds(
    lambda moment, seconds: moment + timedelta(seconds=seconds),
    st.sampled_from(
        [
            datetime(2026, 3, 29, 1),
            datetime(2026, 10, 25, 1),
            datetime(2026, 3, 8, 7),
            datetime(2026, 11, 1, 6),
            datetime(2026, 4, 4, 15),
            datetime(2026, 10, 3, 15, 30),
        ]
    ),
    st.integers(-90_000, 90_000),
)


def decimals(highest, places):
    return st.integers(0, highest * 10**places).map(lambda n: Decimal(n).scaleb(-places))


prices = st.one_of(decimals(3, 4), decimals(1, 2), st.just(Decimal(0)))
charges = st.one_of(st.just(Decimal(0)), decimals(1, 2))
increments = st.sampled_from([1, 1, 6, 10, 20, 30, 60, 60, 7])


@st.composite
def terms(draw, zone=None, rules=("initial_plus", "initial_plus", "multiple", "completed")):
    return Terms(
        initial_increment=draw(st.sampled_from([0, 1, 6, 30, 60, 60, 50])),
        increment=draw(increments),
        billed_time_rule=draw(st.sampled_from(rules)),
        connection_charge=draw(charges),
        minimum_charge=draw(charges),
        grace_seconds=draw(st.sampled_from([0, 0, 3, 5, 70])),
        surcharge=draw(charges),
        surcharge_after=draw(st.sampled_from([None, None, 0, 90, 300])),
        rounding_method=draw(st.sampled_from(METHODS)),
        rounding_digits=draw(st.sampled_from([0, 2, 2, 3, 4, 6])),
        timezone=zone or draw(st.sampled_from(ZONES)),
        connection_deductible=draw(st.sampled_from([False, False, True])),
        maximum_charge=draw(st.none() | st.none() | decimals(9, 2)),
    )


@st.composite
def windows(draw):
    days = draw(st.frozensets(st.integers(1, 7), min_size=1))
    edges = st.one_of(st.integers(0, 24).map(lambda hour: hour * 3600), st.integers(0, 86400))
    start = draw(edges.filter(lambda second: second < 86400))
    return days, start, draw(edges)


@st.composite
def bands(draw, count=2):
    return tuple(
        Band(f"band{number}", tuple(draw(st.lists(windows(), min_size=1, max_size=2))))
        for number in range(draw(st.integers(1, count)))
    )


@st.composite
def rates(draw, bands=(), all_day=True):
    """One rate per band and one for all day, each with what it may override."""
    found = []
    for number, band_id in enumerate([*(band.id for band in bands), None][: None if all_day else -1]):
        found.append(
            Rate(
                number,
                "44",
                draw(prices),
                per=draw(st.sampled_from([60, 60, 1, 3600])),
                band_id=band_id,
                connection_charge=draw(st.none() | charges),
                initial_increment=draw(st.none() | st.just(30)),
                increment=draw(st.none() | increments),
            )
        )
    return tuple(found)


@st.composite
def steps(draw):
    """Later prices and increments of one rate."""
    froms = sorted(draw(st.sets(st.integers(0, 400), min_size=1, max_size=3)))
    return tuple((start, draw(prices), draw(st.sampled_from([1, 60])), draw(increments)) for start in froms)


derivations = st.lists(
    st.builds(
        Derivation,
        st.sampled_from([Decimal(0), Decimal("0.2"), Decimal("-0.1"), Decimal("0.035")]),
        st.sampled_from([Decimal(0), Decimal("0.001"), Decimal("-0.01"), Decimal("-0.5")]),
    ),
    max_size=3,
).map(tuple)


packages = st.builds(
    Package,
    st.integers(0, 400),
    st.sampled_from([0, 0, 1, 20, 60]),
    st.booleans(),
    st.none() | charges,
)


@st.composite
def volume_tiers(draw):
    """Ascending tiers, the last of them open."""
    ends = sorted(draw(st.sets(st.integers(1, 60), max_size=3)))
    return tuple(
        VolumeTier(
            end,
            draw(prices),
            draw(st.sampled_from([1, 1, 7, Decimal("0.5")])),
            draw(charges),
            draw(st.booleans()),
        )
        for end in [*ends, None]
    )
