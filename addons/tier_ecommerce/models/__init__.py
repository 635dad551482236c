from . import (
    account_move,
    account_move_line,
    payment_transaction,
    product_template,
    product_template_attribute_value,
    res_partner,
    sale_order,
    sale_order_line,
    tier_paid_credit,
    tier_shop_credit,
    tier_wallet,
)
