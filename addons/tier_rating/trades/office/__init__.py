from . import tier_chargeback, tier_chargeback_line, tier_endpoint, tier_wallet
