from . import (
    test_authorize,
    test_charging,
    test_price_lists,
    test_settle,
    test_suspense,
    test_worked_examples,
)
