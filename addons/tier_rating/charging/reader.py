"""The reader of a long file, kept in this process's memory between two runs of its import."""

import atexit
from collections import deque
from collections.abc import Generator
from itertools import islice

# Most readers that are kept; each has its file open.
MOST = 8
_kept = {}


class Reader:
    """The records of a stream, and how many of them were taken.

    :param stream: binary file object, closed by :meth:`close`
    :param records: iterator of what an adapter reads of it
    """

    def __init__(self, stream, records):
        self.stream, self.records, self.count = stream, records, 0

    def skip_to(self, count):
        """Read past what is done.

        :param int count: records from the stream's beginning
        """
        deque(islice(self.records, max(0, count - self.count)), maxlen=0)
        self.count = count

    def close(self):
        """Let the file go."""
        if isinstance(self.records, Generator):
            self.records.close()
        self.stream.close()


def keep(key, of, reader):
    """Keep a reader for the next run.

    :param key: whose it is
    :param str of: by what its file, as it is, is known again
    """
    while len(_kept) >= MOST:
        _kept.pop(next(iter(_kept)))[1].close()
    _kept[key] = of, reader


def kept(key, of, count):
    """Return the reader that was kept, None if there is none that serves.

    Another process may have gone on meanwhile: the rest is skipped then.

    :param key: whose it is
    :param str of: by what its file is known
    :param int count: records that are done
    """
    known, reader = _kept.pop(key, (None, None))
    if reader and (known != of or reader.count > count):
        reader.close()
        return None
    return reader


@atexit.register
def _let_go():
    """Close what is kept before the interpreter takes itself apart."""
    while _kept:
        _kept.popitem()[1][1].close()
