from . import bills, disputes, payouts, portal, rates, statements
