"""`./tier deck`: rate decks from the command line, by the code that the screen uses."""

import json
from datetime import date
from pathlib import Path

from .demo import RESULT
from .messages import Failure, step

VERBS = {"dry-run": "Reading {file}", "import": "Importing {file}", "export": "Writing {file}", "undo": "Undoing"}
WORDS = (
    ("row", "rates"),
    ("new", "new"),
    ("up", "up"),
    ("down", "down"),
    ("changed", "other terms"),
    ("blocked", "blocked"),
    ("unchanged", "unchanged"),
    ("removed", "removed"),
    ("warning", "to look at"),
)


def request(options):
    """Return what the script is asked for.

    :param options: parsed command line
    :rtype: dict
    :raise Failure: for what cannot be meant
    """
    if options.action == "undo":
        if not options.deck:
            raise Failure("which deck?", "Name it by its number: ./tier deck undo --deck 12")
    elif not options.file:
        raise Failure("which file?", f"As: ./tier deck {options.action} FILE --list NAME")
    elif not options.list and not (options.action == "export" and options.deck):
        raise Failure("which price list?", "Name it: --list NAME")
    file = Path(options.file).resolve() if options.file else None
    if options.action in ("import", "dry-run") and not file.is_file():
        raise Failure(f"there is no file {options.file}.", "Give its path.")
    columns = {}
    for said in options.column:
        field, equals, name = said.partition("=")
        if not equals:
            raise Failure(f"{said} names no column.", "As: --column price=Tarif")
        columns[field] = name or None
    if options.effective:
        try:
            date.fromisoformat(options.effective)
        except ValueError:
            raise Failure(f"{options.effective} is no date.", "As: --from 2026-12-01") from None
    return {
        "action": options.action,
        "file": str(file or ""),
        "list": options.list,
        "service": options.service,
        "sender": options.sender,
        "full": options.full,
        "from": options.effective,
        "jump": options.jump,
        "sheet": options.sheet,
        "columns": columns,
        "deck": options.deck,
    }


def run(instance, options):
    """Do it on the demo database or another.

    :return: 0; 1 when the deck is refused
    """
    asked = request(options)
    with instance.ready():
        name = instance.databases.chosen(options.database)
        with step(VERBS[options.action].format(file=options.file)):
            env = {**instance.env, "TIER_DECK": json.dumps(asked)}
            output = instance.script("deck.py", name, env=env)
    answer = json.loads(RESULT.search(output).group(1))
    if "error" in answer:
        raise Failure(f"{answer['error'].rstrip('.')}.", "Nothing was changed.")
    print(text(answer), flush=True)
    return 1 if answer.get("state") == "refused" else 0


def text(answer):
    """Return what a person reads.

    :param dict answer: of tools/scripts/deck.py
    :rtype: str
    """
    if "rows" in answer:
        return f"  {answer['rows']} rates in {answer['file']}."
    lines = [f"  Deck {answer['deck']}: {answer['state']}."]
    counts = answer.get("counts") or {}
    said = [f"{counts[name]} {word}" for name, word in WORDS if counts.get(name)]
    if said:
        lines.append(f"  {', '.join(said)}.")
    lines += [f"  {line}" for line in (*answer.get("problems", ()), *answer.get("warnings", ()))]
    more = answer.get("faults", 0) - len(answer.get("problems", ()))
    if more > 0:
        lines.append(f"  … and {more} more faults.")
    return "\n".join(lines)
