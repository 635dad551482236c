"""Operations of all kinds by several processes, some killed; the long version is `./tier bench soak`."""

from arena import Arena
from soak import Soak


def test_nothing_is_lost_or_done_twice_when_processes_are_killed(database):
    """Guards that keys outlive whoever used them, and that each operation is one transaction."""
    arena = Arena(database)
    arena.prepare()
    arena.close()
    figures = Soak(database, operations=1600, processes=4, pause=0.2).run()
    assert figures["done"] + figures["refused"] == 1600
    assert figures["refused"] < 400
    assert sum(figures["killed"].values()) >= 3
