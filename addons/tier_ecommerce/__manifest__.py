{
    "name": "Tier Ecommerce",
    "summary": "Sell calling credit in the web shop; a paid order tops up the buyer's wallet once",
    "version": "19.0.1.0.0",
    "category": "Website/Website",
    "author": "Tier",
    "website": "https://github.com/tier-billing/tier",
    "license": "LGPL-3",
    "depends": ["tier_billing", "website_sale"],
    "data": [
        "security/ir.model.access.csv",
        "data/product_data.xml",
        "views/product_template_views.xml",
        "views/sale_order_views.xml",
        "views/tier_wallet_views.xml",
        "views/shop_templates.xml",
        "views/portal_templates.xml",
    ],
    "demo": ["demo/product_pricelist_demo.xml"],
    "assets": {
        "web.assets_frontend": ["tier_ecommerce/static/src/js/**/*"],
        "web.assets_tests": ["tier_ecommerce/static/tests/tours/**/*"],
    },
}
