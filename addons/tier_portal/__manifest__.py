{
    "name": "Tier Portal",
    "summary": "Balance, calls and payments for customers; customers and margin for resellers",
    "version": "19.0.1.0.0",
    "category": "Accounting/Accounting",
    "author": "Tier",
    "license": "LGPL-3",
    "depends": ["tier_rating"],
    "data": [
        "views/portal_layout_templates.xml",
        "views/portal_wallet_templates.xml",
        "views/portal_call_templates.xml",
        "views/portal_payment_templates.xml",
        "views/portal_customer_templates.xml",
        "views/dispute_templates.xml",
        "views/payout_templates.xml",
        "views/statement_templates.xml",
        "views/bill_templates.xml",
    ],
    "assets": {
        "web.assets_frontend": ["tier_portal/static/src/scss/tier_portal.scss"],
        "web.assets_tests": ["tier_portal/static/tests/tours/**/*"],
    },
}
