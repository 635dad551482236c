from . import tier_charge, tier_transfer, tier_wallet
