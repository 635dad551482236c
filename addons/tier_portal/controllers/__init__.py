from . import bills, disputes, packages, payouts, portal, rates, statements
