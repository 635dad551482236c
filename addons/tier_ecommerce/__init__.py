from . import controllers, models


def uninstall_hook(env):
    """Stop selling what nobody would credit any more: products that were sold stay."""
    env["product.template"].search([("is_tier_credit", "=", True)]).is_published = False
