from . import (
    test_amounts,
    test_currencies,
    test_figures,
    test_holds,
    test_ledger_guards,
    test_transfers,
    test_tree,
)
