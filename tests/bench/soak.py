"""Operations by eight processes, killed in between, with an audit at the end.

Arguments: number of operations (100000), seconds between two kills (0.7).

Result: operations and kills, operations per second, and that nothing was lost: it fails else.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "concurrency"))


def main(bench):
    from arena import Arena
    from soak import Soak

    arena = Arena(bench.database)
    arena.prepare(durable=True)
    arena.close()
    operations, pause = (*bench.arguments, *("100000", "0.7")[len(bench.arguments) :])[:2]
    return {**Soak(bench.database, int(operations), pause=float(pause)).run(), "clean": True}
