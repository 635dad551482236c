"""Two batches of one stream at once: one is read and priced while the one before it is written.

Each batch is a transaction of its own, as ever. The writing halves go in the order of the
stream, one after the other, so that the result is that of one batch at a time: what comes first
uses a package first, and if a batch fails nothing after it is written.
"""

import sys
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

AT_ONCE = 2
# Batches that are read ahead of those at work.
AHEAD = 1
# Seconds after which a thread lets others go on; Python's own five milliseconds are longer than
# most statements, for each of which a batch would wait that long once the database has answered.
SWITCH_INTERVAL = 0.001


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


class _Prompt:
    """Has the threads of the process take turns more often, while some stream is at work."""

    def __init__(self):
        self._lock, self._at_work, self._usual = threading.Lock(), 0, None

    @contextmanager
    def __call__(self):
        with self._lock:
            self._at_work += 1
            if self._at_work == 1:
                self._usual = sys.getswitchinterval()
                sys.setswitchinterval(min(SWITCH_INTERVAL, self._usual))
        try:
            yield
        finally:
            with self._lock:
                self._at_work -= 1
                if not self._at_work:
                    sys.setswitchinterval(self._usual)


_prompt = _Prompt()


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

    with _prompt(), ThreadPoolExecutor(AT_ONCE, "tier-intake", named) as pool:
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
