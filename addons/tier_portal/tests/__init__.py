from . import (
    test_access_matrix,
    test_access_rpc,
    test_bills,
    test_disputes,
    test_formatting,
    test_packages,
    test_payouts,
    test_portal_figures,
    test_portal_pages,
    test_portal_tour,
    test_rates,
    test_statements,
)
