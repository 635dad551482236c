from . import disputes, portal, statements
