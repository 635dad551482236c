"""What an exchange of the demo writes."""

from datetime import timezone
from zoneinfo import ZoneInfo


def panasonic(calls, tz):
    """Return lines as a Panasonic exchange with the month first prints them.

    :param calls: list of (naive UTC datetime, extension, dialled, seconds, account code)
    :param str tz: time zone of the exchange
    :rtype: bytes

    >>> from datetime import datetime
    >>> panasonic([(datetime(2026, 11, 20, 18, 0), "203", "5550171", 75, "")], "UTC").decode().split()
    ['11/20/26', '06:00PM', '203', '01', '5550171', "0'04", "00:01'15"]
    """
    lines = []
    for moment, extension, dialled, seconds, code in calls:
        at = moment.replace(tzinfo=timezone.utc).astimezone(ZoneInfo(tz))
        minutes, rest = divmod(seconds, 60)
        duration = f"{minutes // 60:02}:{minutes % 60:02}'{rest:02}"
        line = f"{at:%m/%d/%y} {at:%I:%M%p}  {extension} 01 {dialled:<25} 0'04 {duration} {code}"
        lines.append(line.rstrip())
    return "\n".join([*lines, ""]).encode()
