import { registry } from "@web/core/registry";

registry.category("web_tour.tours").add("tier_portal_reseller", {
    url: "/my",
    steps: () => [
        {
            content: "Open the wallet from the portal's home",
            trigger: ".o_portal_index_card:not(.d-none) a[href='/my/wallets']",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "Its customers of this month are there",
            trigger: "#tier_customers .o_tier_customer:contains('Chain dealer')",
        },
        {
            content: "Open the list of customers",
            trigger: ".o_tier_tabs a:contains('Customers')",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "The margin of all is summed",
            trigger: ".o_tier_totals td:last-child:contains('0.80')",
        },
        {
            content: "Open a customer",
            trigger: ".o_tier_customer a:contains('Chain dealer')",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "Its margin this month is there",
            trigger: ".o_tier_figure:contains('Your margin this month'):contains('0.60')",
        },
        {
            content: "Look for a call",
            trigger: ".o_portal_search_panel input[name='search']",
            run: "edit +49 30 222",
        },
        {
            trigger: ".o_portal_search_panel button[type='submit']",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "Only that one is left, with sale, cost and margin",
            trigger:
                ".o_tier_call:only-child:contains('1.60'):contains('1.40'):contains('0.20'):contains('222222')",
        },
    ],
});

registry.category("web_tour.tours").add("tier_portal_customer", {
    url: "/my",
    steps: () => [
        {
            content: "Open the wallet from the portal's home",
            trigger: ".o_portal_index_card:not(.d-none) a[href='/my/wallets']",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "The balance is there",
            trigger: ".o_tier_figure:contains('Balance'):contains('6.00')",
        },
        {
            content: "Open the calls",
            trigger: ".o_tier_tabs a:contains('Calls')",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "The numbers dialled are there",
            trigger: ".o_tier_call .o_tier_number:contains('+49 30 1234567')",
        },
        {
            content: "Choose a period",
            trigger: "#o_tier_period",
            run: "click",
        },
        {
            trigger: ".dropdown-menu.show a:contains('This month')",
            run: "click",
            expectUnloadPage: true,
        },
        {
            trigger: "#o_tier_period:contains('This month')",
        },
        {
            content: "Choose the calls that nobody answered",
            trigger: "#portal_searchbar_filters",
            run: "click",
        },
        {
            trigger: ".dropdown-menu.show a:contains('Unanswered')",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "One is left",
            trigger: ".o_tier_call:only-child:contains('No answer')",
        },
        {
            content: "Open the payments",
            trigger: ".o_tier_tabs a:contains('Payments')",
            run: "click",
            expectUnloadPage: true,
        },
        {
            trigger: ".o_tier_payment:contains('Credit from Chain dealer'):contains('10.00')",
        },
    ],
});
