"""Forgetting what records say of people once it has served; money and facts stay.

An event is emptied and never deleted: its source key must stay known, or a file that comes once more
would be charged once more. Nor are charges and transfers touched, which say who paid what for which
service, destination and prefix.
"""

from . import forget

__all__ = ["forget"]
