from odoo.tests import tagged

from .common import TierBillingCase
from .views import ViewsTests


@tagged("post_install", "-at_install")
class TestViews(ViewsTests, TierBillingCase):
    """The menus of this add-on open, filter and group."""

    module = "tier_billing"
