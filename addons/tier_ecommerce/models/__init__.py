from . import (
    account_move,
    payment_transaction,
    product_template,
    product_template_attribute_value,
    res_partner,
    sale_order,
    sale_order_line,
    tier_shop_credit,
    tier_transfer,
    tier_wallet,
)
