from . import bills, disputes, payouts, portal, statements
