from . import tier_demo
