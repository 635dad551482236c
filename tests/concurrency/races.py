"""Threads that start at one moment, with an end."""

import random
import threading
import time

SECONDS = 60


def race(jobs, seconds=SECONDS):
    """Run callables at once, each in a thread; return what they returned, in their order.

    :param jobs: callables without arguments
    :param seconds: until when all must have ended
    :raise BaseException: the first error of any of them
    :raise AssertionError: when one still runs
    """
    jobs = list(jobs)
    start = threading.Barrier(len(jobs))
    results, errors = [None] * len(jobs), []

    def run(position, job):
        try:
            start.wait(seconds)
            results[position] = job()
        except BaseException as error:  # raised again below, in the test's thread
            errors.append(error)

    threads = [threading.Thread(target=run, args=item, daemon=True) for item in enumerate(jobs)]
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0, deadline - time.monotonic()))
    if errors:
        raise errors[0]
    assert not any(thread.is_alive() for thread in threads), f"not done after {seconds} s"
    return results


def in_pieces(work, things, seed, size):
    """Return a job that works on all things, shuffled, so many at a time.

    :param work: called with a list of them
    :param seed: of the order
    :param int size: of a piece
    """
    order = random.Random(seed).sample(things, len(things))
    return lambda: [work(order[start : start + size]) for start in range(0, len(order), size)]


class Sampler:
    """Reads the least available funds of some accounts again and again, as others commit.

    >>> with Sampler(arena, wallets) as sampler:  # doctest: +SKIP
    ...     race(jobs)
    >>> sampler.lowest                            # doctest: +SKIP
    Decimal('0')
    """

    def __init__(self, arena, wallets):
        self.lowest = None
        self.most_sessions = 0
        self.samples = 0
        self._connection = arena.connect()
        self._accounts = [wallet.account_id for wallet in wallets]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        with self._connection.cursor() as cursor:
            while not self._stop.is_set():
                cursor.execute(
                    "SELECT min(balance + credit_limit - held), max(open_sessions)"
                    " FROM tier_account WHERE id = ANY(%s)",
                    [self._accounts],
                )
                lowest, sessions = cursor.fetchone()
                self.lowest = lowest if self.lowest is None else min(self.lowest, lowest)
                self.most_sessions = max(self.most_sessions, sessions)
                self.samples += 1
                # Every commit need not be seen, but the two cores are needed for the race.
                self._stop.wait(0.002)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_error):
        self._stop.set()
        self._thread.join(10)
        self._connection.close()
