from . import tier_chargeback, tier_chargeback_line, tier_chargeback_usage, tier_demo, tier_endpoint, tier_wallet
