from odoo.tests import tagged

from .common import TierRatingCase


@tagged("post_install", "-at_install")
class TestTransferReport(TierRatingCase):
    """Movements by brand."""

    def test_a_brand_is_what_the_customer_buys_under(self):
        provider, reseller, dealer, user = self.new_selling_chain()
        for number, wallet in enumerate((reseller, dealer, user)):
            wallet._topup(10, f"brand:{number}")
        self.charge(self.call("brand:call"))
        ours = (provider | reseller | dealer | user).ids
        brands = {wallet: wallet.price_list_id.brand_id for wallet in (reseller, dealer, user)}
        groups = self.env["tier.transfer.report"]._read_group(
            [("wallet_id", "in", ours), ("kind", "=", "usage")],
            ["brand_id", "wallet_id"],
            ["amount_in:sum", "amount_out:sum"],
        )
        self.assertEqual(
            {(brand, wallet): figures for brand, wallet, *figures in groups},
            {
                (brands[user], user): [0, 1],
                # What the user pays is the dealer's income under the dealer's brand.
                (brands[user], dealer): [1, 0],
                (brands[dealer], dealer): [0, 0.8],
                (brands[dealer], reseller): [0.8, 0],
                (brands[reseller], reseller): [0, 0.7],
            },
        )

    def test_the_carriers_brand_sells_nothing(self):
        provider, *_others = self.new_selling_chain()
        self.assertTrue(provider.price_list_id.brand_id)
        provider._topup(5, "brand:provider")
        row = self.env["tier.transfer.report"].search([("wallet_id", "=", provider.id)])
        self.assertEqual((row.amount, row.brand_id.id), (5, False))
