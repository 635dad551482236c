import { patch } from "@web/core/utils/patch";
import { WebsiteSale } from "@website_sale/interactions/website_sale";

patch(WebsiteSale.prototype, {
    /**
     * Add the chosen wallet to what goes into the cart; the server checks it.
     */
    _updateRootProduct(form) {
        super._updateRootProduct(...arguments);
        const wallet = form.querySelector('[name="tier_wallet_id"]');
        if (wallet) {
            this.rootProduct.tier_wallet_id = parseInt(wallet.value);
        }
    },
});
