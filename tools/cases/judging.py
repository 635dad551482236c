"""Judges a case: what the engine makes of it against what it expects."""

import re
from dataclasses import dataclass, field, replace
from fractions import Fraction

from engine import BAD_QUANTITY, BAD_RATE, BLOCKED, NO_RATE, Refused

from .models import MODELS
from .reading import REMARKS, Fields, Malformed, Unsupported, exact, quote, show
from .wallets import NO_FUNDS, figures, operation

PASS, FAIL, UNSUPPORTED = "pass", "fail", "unsupported"
# Between the figures that agree and what could not be judged, or was taken from the case itself.
REMARK = "; remark: "
# What other systems call the reasons of ours.
ERRORS = {
    NO_RATE: (
        "unauthorized destination, no rate, no rate found, rate not found, rating plan not found, not found,"
        " destination not found, unknown destination, prefix not found, no tariff"
    ),
    BLOCKED: "blocked, barred, blocked destination, forbidden, forbidden destination",
    NO_FUNDS: (
        "no funds, insufficient funds, insufficient credit, insufficient balance, insufficient credit balance,"
        " not enough credit, not enough money, balance exhausted, low balance"
    ),
    BAD_QUANTITY: "bad quantity, invalid duration, invalid quantity, negative duration, invalid volume",
    BAD_RATE: "bad rate, invalid rate, invalid tariff",
}
# A case of a customer's call may tell what another party paid for it, by a tariff it does not give.
_OTHER_PARTY = re.compile(r"(cdr_)?(reseller|carrier|vendor|provider|supplier)_(cost|price)")
_COMPARISONS = {
    "_gte": ("at least", lambda found, limit: found >= limit),
    "_lte": ("at most", lambda found, limit: found <= limit),
    "_gt": ("more than", lambda found, limit: found > limit),
    "_lt": ("less than", lambda found, limit: found < limit),
}


@dataclass
class Case:
    """One case, its parts ready to read."""

    data: dict
    tariff: Fields
    call: Fields
    expected: Fields
    notes: list = field(default_factory=list)

    def with_tariff(self, tariff):
        return replace(self, tariff=tariff)


@dataclass
class Verdict:
    """What became of a case.

    :param str status: pass, fail or unsupported
    :param str reason: the figures that agree, or what is wrong
    :param operation: what the ledger has to do before the case can be judged; None = nothing
    """

    name: str
    model: str
    status: str
    reason: str
    operation: dict | None = None
    expected: Fields | None = None

    def settle(self, result):
        """Judge a case of wallets by what the ledger made of it."""
        self.status, self.reason = _safely(
            lambda: compare(self.expected, figures(self.operation, result, self.expected))
        )


def judge(data, number):
    """Return the verdict on a case.

    :param data: the case as it was read
    :param int number: its place in the file, for one without an id
    """
    name = data.get("id") if isinstance(data, dict) else None
    name = str(name)[:40] if isinstance(name, (str, int)) and not isinstance(name, bool) else f"#{number}"
    verdict = Verdict(name, "-", UNSUPPORTED, "")
    verdict.status, verdict.reason = _safely(lambda: _judge(verdict, data))
    return verdict


def _safely(judging):
    """Return (status, reason), whatever is wrong with a case."""
    try:
        return judging()
    except Unsupported as found:
        return UNSUPPORTED, str(found)
    except (Malformed, Refused) as found:
        # Refused is what makes no sense here: a call that may not be made is a figure.
        return FAIL, f"malformed: {found}"
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as found:
        return FAIL, f"malformed: {type(found).__name__}: {show(str(found))}"


def _case(data):
    parts = [Fields(data.get(name), name) for name in ("tariff", "call", "expected")]
    if not parts[2].data:
        raise Malformed("it expects nothing")
    return Case(data, *parts)


def _judge(verdict, data):
    """Return (status, reason) of a case; what it learns of it stands in the verdict."""
    if not isinstance(data, dict):
        raise Malformed(f"it is no object: {quote(data)}")
    case = _case(data)
    if data.get("tariff") is None:
        wanted = operation(case)
        if wanted:
            verdict.model, verdict.operation, verdict.expected = "ledger", wanted, case.expected
            return UNSUPPORTED, "it needs the ledger's database"
        found = _without_tariff(case)
    else:
        name = verdict.model = case.tariff.text("model")[:40]
        if name not in MODELS:
            raise Unsupported(f"the product has no equivalent for the tariff model {quote(name)}")
        try:
            found = MODELS[name](case)
        except Refused as refused:
            found = {"refused": refused.reason, "message": str(refused)}
    _check_currency(case)
    return _compare(case, found)


def _check_currency(case):
    """Refuse to compare amounts of two currencies: a case gives no rate of exchange."""
    names = [part.get("currency") for part in (case.tariff, case.expected)]
    codes = [name for name in names if isinstance(name, str) and re.fullmatch("[A-Z]{3}", name)]
    if len(set(codes)) > 1:
        raise Unsupported(f"the case gives no rate of exchange from {codes[0]} to {codes[1]}")


def _compare(case, figures):
    """Return (status, reason) of the figures of a case."""
    if "prefixes" not in case.tariff:
        case.call.read.add("number")
    refused_at_once = figures.get("refused") and not any(map(callable, figures.values()))
    if "requested_s" in case.call and refused_at_once:
        figures = {"max_session_s": lambda: Fraction(0), "granted_s": lambda: Fraction(0), **figures}
    unread = case.tariff.unread() + case.call.unread()
    # Of a call that was refused at once nothing else was looked at.
    if unread and not refused_at_once:
        raise Unsupported(f"the product has no equivalent for {', '.join(unread)}")
    return compare(case.expected, figures, case.notes)


def _without_tariff(case):
    """Return the figures of a call for which there is no rate at all: it is never free."""
    if "number" not in case.call:
        raise Unsupported("a case without a tariff is one of wallets or of a number without a rate")
    return {"refused": NO_RATE}


def compare(expected, figures, notes=()):
    """Return (status, reason): each expected figure against what was worked out."""
    agree, wrong, unknown, notes = [], [], [], list(notes)
    for name, value in expected.data.items():
        if name in REMARKS:
            continue
        if name == "error" or _is_no_price(name, value, figures):
            _compare_error(value if name == "error" else NO_RATE, figures, agree, wrong)
            continue
        suffix = next((s for s in _COMPARISONS if name.endswith(s) and name not in figures), "")
        figure = figures.get(name.removesuffix(suffix) if suffix else name)
        if figure is None or not callable(figure):
            unknown.append(name)
            continue
        found = figure()
        if suffix:
            words, holds = _COMPARISONS[suffix]
            limit = exact(value, f"expected.{name}")
            agree.append(f"{name.removesuffix(suffix)} {words} {show(value)}")
            if not holds(found, limit):
                wrong.append(f"{name.removesuffix(suffix)}: expected {words} {show(value)}, is {_say(found)}")
        elif _equal(value, found, f"expected.{name}"):
            agree.append(f"{name} {_say(value)}")
        else:
            wrong.append(f"{name}: expected {_say(value)}, is {_say(found)}")
    refused = figures.get("refused")
    if unknown and refused and not agree:
        wrong.append(f"refused: {figures.get('message', refused)}")
    elif unknown:
        others = [name for name in unknown if not _OTHER_PARTY.fullmatch(name)]
        if others:
            raise Unsupported(f"the product does not work out {', '.join(others)} for this tariff")
        for name in unknown:
            exact(expected.data[name], f"expected.{name}")
        notes.append(f"{', '.join(unknown)} is not judged: the case does not give that party's tariff")
    if wrong:
        return FAIL, "; ".join(wrong)
    if not agree:
        raise Unsupported("; ".join(notes) or "it expects nothing that can be judged")
    return PASS, REMARK.join([", ".join(agree), *notes])


def _is_no_price(name, value, figures):
    """Tell whether a cost says that there is none: some systems write -1."""
    return name == "cost" and figures.get("refused") == NO_RATE and exact(value, "expected.cost") == -1


def _compare_error(value, figures, agree, wrong):
    words = re.sub(r"[^a-z0-9]+", " ", value.lower()).strip() if isinstance(value, str) else ""
    reason = next(
        (ours for ours, names in ERRORS.items() if words in (ours.replace("_", " "), *names.split(", "))), None
    )
    if words and reason is None:
        raise Unsupported(f"{quote(value)} is no reason that the product knows")
    if not words:
        raise Malformed("expected.error is no text")
    found = figures.get("refused")
    (agree if found == reason else wrong).append(
        f"refused: {reason}" if found == reason else f"error: expected {show(value)}, {found or 'it was not refused'}"
    )


def _equal(value, found, where):
    if isinstance(found, bool) or isinstance(value, bool):
        return isinstance(found, bool) and value is found
    if isinstance(found, frozenset):
        return isinstance(value, str) and value.lower() in {name.lower() for name in found}
    if isinstance(found, (int, Fraction)):
        return value is not None and exact(value, where) == found
    if isinstance(found, (list, tuple)):
        return (
            isinstance(value, list)
            and len(value) == len(found)
            and all(_equal(one, other, where) for one, other in zip(value, found, strict=True))
        )
    if isinstance(found, dict):
        return (
            isinstance(value, dict)
            and bool(value)
            and all(name in found and _equal(one, found[name], f"{where}.{name}") for name, one in value.items())
        )
    return value == found


def _say(value):
    if isinstance(value, frozenset):
        return " or ".join(sorted(value)) or "none"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_say, value))}]"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_say(one)}" for name, one in value.items())
    return value if isinstance(value, str) and len(value) < 60 else show(value)
