"""Cases of wallets: what the ledger has to do for them, see ``scripts/cases.py``.

They move no price but money, so no engine can stand in for the ledger: they run in a database.
"""

import re
from functools import partial

from .reading import Malformed, Unsupported, decimal, exact, show

NO_FUNDS = "no_funds"
MOST_CALLS, MOST_PROCESSES = 2_000, 16
# What a case of concurrency may say must hold, and the figure that tells whether it does.
_INVARIANTS = (
    (r"sum\((debit|debits)\) ?==? ?sum\((cost|costs)\)", "debit_is_cost"),
    (r"(every|each) (cdr|call|event)s? (is )?(rated|charged|billed) (exactly )?once", "charged_once"),
    (r"money is conserved|conserved", "conserved"),
)


def operation(case):
    """Return what the ledger has to do, ready for JSON, or None if it is no case of wallets."""
    call = case.call
    if "transfer" in call:
        wanted = {
            "what": "transfer",
            "source": _amount(call, "source_balance"),
            "dest": _amount(call, "dest_balance"),
            "amount": _amount(call, "transfer"),
        }
    elif "topup" in call:
        wanted = {
            "what": "topup",
            "amount": _amount(call, "topup"),
            "balance": _amount(call, "balance", "0"),
            "repeat": _most(call, "repeat", 1, 1000),
        }
    elif "calls" in call:
        wanted = {
            "what": "calls",
            "calls": _most(call, "calls", None, MOST_CALLS),
            "processes": _most(call, "processes", 1, MOST_PROCESSES),
        }
    else:
        return None
    if call.unread():
        raise Unsupported(f"the product has no equivalent for {', '.join(call.unread())}")
    return wanted


def _amount(call, name, *default):
    value = call.amount(name, *default)
    if value in default:
        return value
    return str(decimal(value, f"call.{name}"))


def _most(call, name, default, most):
    value = call.count(name, default, 1) if default is not None else call.count(name, least=1)
    if value > most:
        raise Malformed(f"call.{name}: more than {most}")
    return value


def figures(wanted, result, expected):
    """Return the figures of an operation that the ledger has done.

    :param dict wanted: see :func:`operation`
    :param dict result: what ``scripts/cases.py`` printed of it
    :param Fields expected: what the case expects
    """
    refused = result.get("refused")
    found = {"refused": NO_FUNDS if refused and wanted["what"] == "transfer" else refused, "message": refused}
    for name in {"source_after", "dest_after", "balance_after", "accepted"} & set(result):
        found[name] = partial(exact, result[name], name)
    if wanted["what"] == "topup" and "accepted" in result:
        found["rejected"] = lambda: wanted["repeat"] - result["accepted"]
    if wanted["what"] == "calls":
        found["invariant"] = lambda: _invariant(expected.text("invariant"), result)
        found["charged_once"] = lambda: result["charged_once"]
    return found


def _invariant(text, result):
    """Return the text if all that it says holds, else what does not."""
    broken = [] if result["ended"] and result["conserved"] else ["a process failed, or money is not conserved"]
    for clause in text.split(","):
        words = re.sub(r"\s+", " ", clause.strip().lower())
        name = next((name for pattern, name in _INVARIANTS if re.fullmatch(pattern, words)), None)
        if name is None:
            raise Unsupported(f"{show(clause.strip())} is no invariant that is understood")
        if not result[name]:
            broken.append(f"not so: {clause.strip()}")
    return "; ".join(broken) or text
