"""The table that ./tier run prints."""

from tools import demo

SUMMARY = {
    "events": 3,
    "charged": 2,
    "suspense": 1,
    "reasons": {"no_rate": 1},
    "tiers": 2,
    "conserved": True,
    "wallets": [
        {"name": "Top", "tier": 0, "currency": "USD", "calls": 2, "sale": "1.5", "cost": "1",
         "margin": "0.5", "balance": "100.0043"},
        {"name": "End", "tier": 1, "currency": "EUR", "calls": 2, "sale": "0", "cost": "1.5",
         "margin": "0", "balance": "-8.5"},
    ],
}  # fmt: skip


def test_the_table_lines_up_and_shows_every_figure():
    assert demo.table(SUMMARY).splitlines() == [
        "",
        "  wallet  tier  calls  sale  cost  margin   balance",
        "  Top        0      2  1.50  1.00    0.50  100.0043  USD",
        "    End      1      2  0.00  1.50    0.00   -8.5000  EUR",
        "",
        "  3 events over 2 tiers: 2 charged, 1 in suspense.",
        "    1 × no_rate",
        "  The sum over all accounts is zero in every currency: money is conserved.",
    ]


def test_lost_money_is_shown_loudly():
    assert "DO NOT ADD UP" in demo.table({**SUMMARY, "conserved": False})
