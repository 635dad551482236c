from . import disputes, portal
