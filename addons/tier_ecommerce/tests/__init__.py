from . import (
    test_credit_invoice,
    test_credit_once,
    test_credit_refund,
    test_credit_share,
    test_shop,
    test_tour,
)
