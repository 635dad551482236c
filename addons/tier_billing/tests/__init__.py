from . import (
    test_amounts,
    test_currencies,
    test_transfers,
    test_tree,
)
