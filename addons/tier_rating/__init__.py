from . import charging, controllers, invoicing, loading, models, trades, wizards


def uninstall_hook(env):
    """Drop the functions that watch the rates, which outlive the tables."""
    charging.books.drop(env.cr)
    charging.markups.drop(env.cr)
    charging.numbers.drop(env.cr)
    loading.links.drop(env.cr)
    invoicing.linked.drop(env.cr)
