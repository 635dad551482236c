"""Dial plans: the outside line, extensions, local numbers."""

import pytest
from engine.dialling import Dialling
from engine.prefixes import normalise

BERLIN = Dialling("49", area_code="30", local_length=4, outside="0", extension_length=3)
MADRID = Dialling("34", national_prefix="", national_length=9, extension_length=4)
BOSTON = Dialling("1", "011", "1", 10, area_code="617", outside="9", extension_length=4)


@pytest.mark.parametrize(
    ("plan", "dialled", "number"),
    [
        (BERLIN, "201", "x201"),
        (BERLIN, "007", "07"),  # behind the outside line it is no extension
        (BERLIN, "112", "112"),
        (BERLIN, "0112", "112"),
        (BERLIN, "0 030 1234567", "49301234567"),
        (BERLIN, "0-12345678", "493012345678"),
        (BERLIN, "01234", "49301234"),
        (BERLIN, "00044 20 7946 0000", "442079460000"),
        (BERLIN, "0004989123456", "4989123456"),
        (BERLIN, "+49 30 1234567", "49301234567"),
        (BERLIN, "0", "x0"),  # the operator within
        (BERLIN, "", ""),
        (BERLIN, None, ""),
        (BERLIN, "alice", ""),
        (BERLIN, "٢٠١", ""),
        (BERLIN, "*21#", ""),
        (MADRID, "1234", "x1234"),
        (MADRID, "912345678", "34912345678"),
        (MADRID, "0044123456789", "44123456789"),
        (BOSTON, "1001", "x1001"),
        (BOSTON, "95551234", "16175551234"),
        (BOSTON, "96175551234", "16175551234"),
        (BOSTON, "916175551234", "16175551234"),
        (BOSTON, "9011442079460000", "442079460000"),
        (BOSTON, "9911", "911"),
        (BOSTON, "911", "911"),
    ],
)
def test_what_was_dialled(plan, dialled, number):
    assert plan.number(dialled) == number


def test_a_plan_of_prefixes_alone_changes_nothing():
    plan = Dialling("49")
    for dialled in ("112", "116117", "030 1234567", "004420", "12345678", "+49 (0)30 1", "4930123456", "0" * 9, "x"):
        assert plan.number(dialled) == normalise(dialled, "49")


def test_the_rules_are_told():
    assert BERLIN.meaning("0 1234567") == ("49301234567", ["outside", "local"])
    assert BERLIN.meaning("0 089 1234567") == ("49891234567", ["outside"])
    assert BERLIN.meaning("201") == ("x201", ["inside"])
