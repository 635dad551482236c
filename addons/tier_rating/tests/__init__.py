from . import (
    test_charging,
    test_price_lists,
    test_suspense,
    test_worked_examples,
)
