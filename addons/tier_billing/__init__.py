from . import ledger, models, wizards


def uninstall_hook(env):
    """Drop the ledger's trigger functions, which outlive the tables."""
    ledger.schema.drop(env.cr)
