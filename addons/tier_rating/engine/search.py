"""The last length that fits, where every longer one fits as little."""


def last_that_fits(fits, good, bad):
    """Return the greatest integer that fits, of two between which it lies.

    :param fits: tells whether one fits; what is greater than one that does not, does not either
    :param int good: fits
    :param int bad: does not, and is greater

    >>> last_that_fits(lambda length: length * 3 <= 20, 0, 100)
    6
    """
    while bad - good > 1:
        middle = (good + bad) // 2
        if fits(middle):
            good = middle
        else:
            bad = middle
    return good
