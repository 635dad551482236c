"""Two batches of one stream at once: one is read and priced while the one before it is written.

Each batch is a transaction of its own, as ever. The writing halves go in the order of the
stream, one after the other, so that the result is that of one batch at a time: what comes first
uses a package first, and if a batch fails nothing after it is written.
"""

import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor

AT_ONCE = 2
# Batches that are read ahead of those at work.
AHEAD = 1


class Stopped(Exception):
    """A batch before this one has failed."""


class _Turns:
    """Whose turn it is, by the number of the batch."""

    def __init__(self):
        self._now, self._stopped = 0, False
        self._changed = threading.Condition()

    def run(self, number, function, batch):
        """Call ``function(batch, turn)``; its ``turn()`` waits for the batches before."""

        def turn():
            with self._changed:
                self._changed.wait_for(lambda: self._stopped or self._now >= number)
                if self._stopped:
                    raise Stopped

        result = function(batch, turn)
        turn()
        with self._changed:
            self._now += 1
            self._changed.notify_all()
        return result

    def stop(self):
        """Let nobody begin who has not had its turn."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()


def in_turns(function, batches, dbname):
    """Work on the batches of a stream, two at once; yield each with its result, in order.

    :param function: called in a thread with a batch and ``turn``, which it calls before it
        writes, as often as it likes; it may raise, which ends the whole
    :param batches: iterator of lists; read in the caller's thread
    :param str dbname: of the database, for the log
    :return: iterator of (batch, what the function returned)
    """
    turns, at_work = _Turns(), deque()

    def named():
        # As Odoo's log finds it.
        threading.current_thread().dbname = dbname

    with ThreadPoolExecutor(AT_ONCE, "tier-intake", named) as pool:
        try:
            for number, batch in enumerate(batches):
                at_work.append((batch, pool.submit(turns.run, number, function, batch)))
                if len(at_work) == AT_ONCE + AHEAD:
                    done, future = at_work.popleft()
                    yield done, future.result()
            while at_work:
                done, future = at_work.popleft()
                yield done, future.result()
        finally:
            turns.stop()
