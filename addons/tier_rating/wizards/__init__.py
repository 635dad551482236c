from . import tier_rate_import, tier_usage_refund
