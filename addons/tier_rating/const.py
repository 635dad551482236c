"""Constants that several models share."""

# A rate keeps what the carrier wrote: 0.0043 stays 0.0043. Plain numeric in
# the database, shown with up to eight decimals.
RATE_DIGITS = (16, 8)

# Why an event waits in suspense, or a session is refused. The codes are part
# of the interface to switches; the labels are for people.
REASONS = [
    ("unknown_account", "Unknown caller"),
    ("no_number", "No number dialled"),
    ("no_price_list", "No price list"),
    ("no_rate", "No rate for this number"),
    ("destination_barred", "Destination barred"),
    ("number_closed", "Numbers of this class are not opened"),
    ("account_blocked", "Suspended wallet in the chain"),
    ("below_cost", "Sold below cost"),
    ("bad_record", "Unreadable record"),
    ("insufficient_funds", "Insufficient funds"),
    ("too_many_calls", "Too many calls"),
    ("daily_limit", "Daily spending limit"),
    ("monthly_limit", "Monthly spending limit"),
    ("credit_expired", "Credit expired"),
]

# How a session ended, in the words of the record adapters.
DISPOSITIONS = [
    ("answered", "Answered"),
    ("no_answer", "No answer"),
    ("busy", "Busy"),
    ("congestion", "Congestion"),
    ("failed", "Failed"),
]
