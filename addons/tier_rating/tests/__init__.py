from . import (
    test_worked_examples,
)
