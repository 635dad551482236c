from odoo.tests import tagged

from odoo.addons.tier_billing.tests.views import ViewsTests

from .common import TierRatingCase


@tagged("post_install", "-at_install")
class TestRatingViews(ViewsTests, TierRatingCase):
    """The menus of this add-on open, filter and group."""

    module = "tier_rating"
