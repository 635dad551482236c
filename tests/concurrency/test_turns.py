"""Two batches of one stream at once, and still in the order of the stream."""

import itertools
import random
import sys
import threading
import time

import pytest

from odoo.addons.tier_rating.charging.turns import Stopped, in_turns


def test_the_writing_halves_go_in_order_while_the_reading_ones_overlap():
    written, inside, most = [], set(), []
    lock = threading.Lock()

    def work(batch, turn):
        with lock:
            inside.add(batch)
            most.append(len(inside))
        time.sleep(random.Random(batch).uniform(0, 0.005))
        turn()
        with lock:
            written.append(batch)
        turn()
        with lock:
            inside.discard(batch)
        return batch * batch

    results = list(in_turns(work, iter(range(40)), "a database"))
    assert results == [(number, number * number) for number in range(40)]
    assert written == list(range(40))
    assert max(most) == 2


def test_nothing_after_a_failed_batch_is_written():
    written, told = [], []

    def work(batch, turn):
        if batch == 3:
            time.sleep(0.02)
            raise ZeroDivisionError
        try:
            turn()
        except Stopped:
            told.append(batch)
            raise
        written.append(batch)

    with pytest.raises(ZeroDivisionError):
        list(in_turns(work, itertools.count(), "a database"))
    assert written == [0, 1, 2]
    assert set(told) <= {4, 5}


def test_who_stops_listening_stops_the_work():
    written = []

    def work(batch, turn):
        turn()
        written.append(batch)

    results = in_turns(work, itertools.count(), "a database")
    assert next(results)[0] == 0
    results.close()
    count = len(written)
    time.sleep(0.02)
    assert len(written) == count <= 4
    assert threading.active_count() < 20


def test_a_stream_that_breaks_ends_it():
    def broken():
        yield 1
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="gone"):
        list(in_turns(lambda batch, turn: turn(), broken(), "a database"))


def test_threads_take_turns_more_often_until_the_last_stream_ends():
    usual = sys.getswitchinterval()
    first = in_turns(lambda batch, turn: batch, iter(range(9)), "a database")
    second = in_turns(lambda batch, turn: batch, iter(range(9)), "a database")
    next(first)
    next(second)
    assert sys.getswitchinterval() < usual
    list(first)
    assert sys.getswitchinterval() < usual
    second.close()
    assert sys.getswitchinterval() == usual
