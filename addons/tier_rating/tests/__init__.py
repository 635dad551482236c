from . import (
    test_authorize,
    test_charging,
    test_dispute,
    test_price_lists,
    test_rate_import,
    test_refund,
    test_settle,
    test_suspense,
    test_usage_import,
    test_worked_examples,
)
