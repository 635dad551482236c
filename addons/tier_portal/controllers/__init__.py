from . import disputes, payouts, portal, statements
