from . import controllers, ledger, models, statements, wizards


def post_init_hook(env):
    """Give every company with a chart of accounts the accounts of the wallets."""
    env["res.company"].search([])._tier_setup_accounting()


def uninstall_hook(env):
    """Drop the ledger's trigger functions, which outlive the tables."""
    ledger.schema.drop(env.cr)
