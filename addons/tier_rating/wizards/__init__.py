from . import tier_rate_import
