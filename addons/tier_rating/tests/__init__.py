from . import (
    test_charging,
    test_suspense,
    test_worked_examples,
)
