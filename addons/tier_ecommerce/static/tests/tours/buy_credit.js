import { registry } from "@web/core/registry";
import * as tourUtils from "@website_sale/js/tours/tour_utils";

const chooseAmount = (amount) => [
    tourUtils.waitForInteractionToLoad(),
    {
        content: `Choose ${amount}`,
        trigger: `input.js_variant_change[data-value-name="${amount}"]:not(:visible), input.js_variant_change[data-value-name="${amount}"]`,
        run: "click",
    },
    {
        content: "The price follows",
        trigger: `.product_price .oe_currency_value:contains("${amount}.00")`,
    },
];

registry.category("web_tour.tours").add("tier_ecommerce_buy_credit", {
    steps: () => [
        {
            content: "Buy credit from the account's home",
            trigger: '.o_portal_my_home a[href="/shop/credit"]',
            run: "click",
            expectUnloadPage: true,
        },
        ...chooseAmount(20),
        {
            content: "The only wallet is named, with its balance",
            trigger: '[name="tier_credit_wallet"]:contains("Ada"):contains("0.00")',
        },
        {
            content: "Add to cart",
            trigger: "#add_to_cart",
            run: "click",
        },
        tourUtils.goToCart(),
        {
            content: "The cart says which wallet is topped up",
            trigger: '#cart_products:contains("Wallet: Ada")',
        },
        tourUtils.goToCheckout(),
        {
            content: "So does the payment page",
            trigger:
                '[name="cart_summary_info"]:contains("Wallet: Ada"), .o_total_card:contains("Wallet: Ada")',
        },
        ...tourUtils.payWithDemo(),
        {
            content: "The wallet is credited, and the new balance shown",
            trigger:
                '[name="tier_credit"]:contains("20.00"):contains("was credited to wallet Ada"):contains("your balance is")',
        },
    ],
});

registry.category("web_tour.tours").add("tier_ecommerce_choose_wallet", {
    steps: () => [
        ...chooseAmount(10),
        {
            content: "Choose the second wallet",
            trigger: 'select[name="tier_wallet_id"]',
            run: "selectByLabel /Studio/",
        },
        {
            content: "Add to cart",
            trigger: "#add_to_cart",
            run: "click",
        },
        tourUtils.goToCart(),
        {
            content: "The chosen wallet is in the cart",
            trigger: '#cart_products:contains("Wallet: Studio")',
        },
    ],
});
