from . import (
    test_access,
    test_amounts,
    test_audit,
    test_currencies,
    test_figures,
    test_holds,
    test_ledger_guards,
    test_operation_wizard,
    test_rpc,
    test_transfers,
    test_tree,
    test_views,
)
