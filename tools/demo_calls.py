"""Invent a day's calls of two switches.

Friday 2026-11-20. Numbers of Germany, France, Sweden, the United Kingdom, the
United States and Australia are those that their regulators keep for films;
those of other countries are the examples in the `phonenumbers` library.
"""

import json
import random
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import phonenumbers
from phonenumbers import PhoneNumberType

DAY = datetime(2026, 11, 20, tzinfo=timezone.utc)
SECOND = 1_000_000  # times are counted in microseconds, as FreeSWITCH does
#: No country has the code 999, so no rate fits.
NOWHERE = "9990001234"

ANSWERED, NO_ANSWER, BUSY, FAILED = "ANSWERED", "NO ANSWER", "BUSY", "FAILED"
#: How many of a hundred calls end how.
RESULTS = {ANSWERED: 84, NO_ANSWER: 8, BUSY: 5, FAILED: 3}
#: Seconds of ringing, from and to.
RINGING = {ANSWERED: (3, 18), NO_ANSWER: (25, 45), BUSY: (1, 3), FAILED: (0, 1)}

FILM_NUMBERS = {
    "de": ("493023125", 3),
    "de mobile": ("4917139200", 2),
    "fr": ("3319900", 4),
    "fr mobile": ("3363998", 4),
    "gb": ("442079460", 3),
    "gb mobile": ("447700900", 3),
    "se": ("46846500", 3),
    "us new york": ("121255501", 2),
    "us california": ("131055501", 2),
    "us texas": ("151255501", 2),
    "au": ("6125550", 4),
}


@dataclass(frozen=True)
class User:
    """Who calls: how often, for how long, and where to.

    :param account: SIP user on the switch
    :param calls: number of calls of the day
    :param seconds: average duration of an answered call
    :param hours: first and last hour of calling, UTC
    :param places: names of :func:`_number`; each as likely as it is often named
    """

    account: str
    name: str
    calls: int
    seconds: int
    hours: tuple
    places: tuple
    address: str = ""
    agent: str = ""


@dataclass(frozen=True)
class Call:
    """One call; times in microseconds since the beginning of the day."""

    account: str
    dialled: str
    start: int
    ring: int
    talk: int
    result: str = ANSWERED

    @property
    def answer(self):
        return self.start + self.ring

    @property
    def end(self):
        return self.answer + self.talk


ASTERISK_USERS = (
    User(
        "1001",
        "Ada Meyer",
        56,
        190,
        (7, 20),
        ("de",) * 5 + ("de mobile",) * 4 + ("gb", "gb mobile", "se", "us california", "AT", "IT mobile", "CH"),
    ),
    User("1002", "Bistro Lumière", 24, 80, (8, 20), ("de",) * 5 + ("de mobile",) * 2 + ("fr",)),
    User(
        "1010",
        "Kepler Logistics",
        84,
        170,
        (5, 17),
        ("de",) * 5 + ("de mobile",) * 3 + ("PL", "PL mobile", "NL", "AT", "IT", "fr", "gb", "se", "TR"),
    ),
    User(
        "1011",
        "Kepler Logistics",
        78,
        150,
        (5, 17),
        ("de",) * 4 + ("de mobile",) * 3 + ("ES", "ES mobile", "fr mobile", "gb", "us texas", "IN", "CH mobile"),
    ),
)
FREESWITCH_USERS = (
    User(
        "2001",
        "Noor Hotel",
        58,
        200,
        (6, 22),
        ("us new york",) * 4 + ("us california",) * 2 + ("gb", "gb mobile", "fr", "JP", "MX", "IN", "PT", "au", "de"),
        "203.0.113.21",
        "RoomPhone/5.1",
    ),
    User(
        "2002",
        "Otto Schmidt",
        24,
        160,
        (9, 21),
        ("de",) * 3 + ("us new york",) * 3 + ("de mobile", "gb", "AT"),
        "198.51.100.77",
        "SoftTalk/3.9.2",
    ),
    User(
        "3001",
        "Summit University",
        36,
        240,
        (12, 22),
        ("us texas",) * 3 + ("us new york",) * 3 + ("gb", "de", "JP", "IN mobile", "fr", "au"),
        "192.0.2.10",
        "DeskPhone/7.0 (campus)",
    ),
    User(
        "3002",
        "Summit University",
        28,
        210,
        (13, 23),
        ("us california",) * 4 + ("us texas", "MX", "MX mobile", "ES", "gb"),
        "192.0.2.11",
        "DeskPhone/7.0 (campus)",
    ),
)


def clock(text):
    """Microseconds of a time of day such as 16:55:00."""
    hours, minutes, seconds = map(int, text.split(":"))
    return ((hours * 60 + minutes) * 60 + seconds) * SECOND


def _special(account, dialled, start, talk, ring=6):
    return Call(account, dialled, clock(start), ring * SECOND, talk * SECOND)


# What a demonstration wants to show. The peak ends at 18:00 in Berlin, 17:00 UTC.
ASTERISK_SPECIALS = (
    _special("1010", "+493023125101", "16:55:00", 600),
    _special("1011", "00442079460123", "16:58:30", 240),
    _special("1010", "0012125550142", "13:10:00", 2700, ring=9),
    _special("9999", "03023125007", "10:21:40", 65),
    _special("1010", NOWHERE, "11:47:12", 34),
    _special("1001", "03023125300", "05:10:00", 1),
    _special("1011", "+442079460300", "18:20:00", 2),
    _special("1002", "03023125301", "20:15:00", 3),
)
FREESWITCH_SPECIALS = (
    _special("2002", "00442079460124", "16:57:40", 300),
    _special("3001", "+493023125102", "11:02:00", 2700, ring=8),
    _special("9999", "442079460008", "15:33:20", 48),
    _special("2001", f"+{NOWHERE}", "19:05:09", 41),
    _special("2001", "12125550143", "05:40:00", 1),
    _special("3002", "0013105550144", "12:30:00", 2),
    _special("2002", "+493023125103", "21:45:00", 3),
)


def asterisk():
    """The text of a Master.csv with uniqueid and userfield (18 columns), in UTC."""
    randomness = random.Random("tier:asterisk")
    calls = _day(ASTERISK_USERS, ASTERISK_SPECIALS, ("00", "+", ""), "0", randomness)
    names = {user.account: user.name for user in ASTERISK_USERS}
    channels = {call: number for number, call in enumerate(sorted(calls, key=lambda call: call.start))}
    lines = []
    for call in calls:
        # Asterisk writes whole seconds
        start, answer, end = (DAY + timedelta(seconds=time // SECOND) for time in (call.start, call.answer, call.end))
        channel = 2 * channels[call]
        connected = call.result != FAILED
        is_answered = call.result == ANSWERED
        fields = (
            _quoted(call.account if randomness.random() < 0.5 else ""),
            _quoted(call.account),
            _quoted(call.dialled),
            _quoted("from-phones"),
            _quoted(f'"{names.get(call.account, "")}" <{call.account}>'),
            _quoted(f"PJSIP/{call.account}-{channel:08x}"),
            _quoted(f"PJSIP/carrier-{channel + 1:08x}" if connected else ""),
            _quoted("Dial" if connected else "Hangup"),
            _quoted(f"PJSIP/{call.dialled}@carrier,60" if connected else "34"),
            _quoted(start.strftime("%Y-%m-%d %H:%M:%S")),
            _quoted(answer.strftime("%Y-%m-%d %H:%M:%S")) if is_answered else "",
            _quoted(end.strftime("%Y-%m-%d %H:%M:%S")),
            str((end - start) // timedelta(seconds=1)),
            str((end - answer) // timedelta(seconds=1) if is_answered else 0),
            _quoted(call.result),
            _quoted("DOCUMENTATION"),
            _quoted(f"{int(start.timestamp())}.{channel}"),
            _quoted(""),
        )
        lines.append(",".join(fields))
    _repeat(lines, "1001", ANSWERED)
    return "".join(f"{line}\n" for line in lines)


def freeswitch():
    """Records of mod_json_cdr, one a line, with the variables that matter."""
    randomness = random.Random("tier:freeswitch")
    calls = _day(FREESWITCH_USERS, FREESWITCH_SPECIALS, ("00", "+", ""), None, randomness)
    lines = [json.dumps(_record(call, randomness), separators=(",", ":")) for call in calls]
    _repeat(lines, '"sip_from_user":"3001"', '"hangup_cause":"NORMAL_CLEARING"')
    return "".join(f"{line}\n" for line in lines)


def _repeat(lines, *marks):
    """Write one of the lines that bear the marks twice, as a switch does that was not sure."""
    index = [index for index, line in enumerate(lines) if all(mark in line for mark in marks)][7]
    lines.insert(index + 1, lines[index])


def _day(users, specials, international, national, randomness):
    """All calls in the order in which they end, as switches write them."""
    calls = list(specials)
    for user in users:
        first, last = (hour * 3600 * SECOND for hour in user.hours)
        step = (last - first) // user.calls
        free = 0
        for number in range(user.calls):
            start = max(first + number * step + randomness.randrange(step), free)
            dialled = _dialled(_number(randomness.choice(user.places), randomness), international, national, randomness)
            [result] = randomness.choices(list(RESULTS), list(RESULTS.values()))
            ring = randomness.randrange(*(seconds * SECOND for seconds in RINGING[result]))
            talk = 0
            if result == ANSWERED:
                talk = min(4 + int(randomness.expovariate(1 / user.seconds)), 6 * user.seconds) * SECOND
                talk += randomness.randrange(SECOND)
            call = Call(user.account, dialled, start, ring, talk, result)
            free = call.end + 15 * SECOND
            calls.append(call)
    return sorted(calls, key=lambda call: call.end)


def _number(place, randomness):
    """A number of a place, as digits of E.164."""
    if place in FILM_NUMBERS:
        prefix, digits = FILM_NUMBERS[place]
        return prefix + "".join(randomness.choices("0123456789", k=digits))
    region, _space, mobile = place.partition(" ")
    kind = PhoneNumberType.MOBILE if mobile else PhoneNumberType.FIXED_LINE
    number = phonenumbers.example_number_for_type(region, kind)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)[1:]


def _dialled(number, international, national, randomness):
    """As people dial it: at home with the national prefix, abroad one way or another.

    :param national: prefix that stands for the switch's own country, 49; None if
        callers of this switch always dial the country
    """
    if national and number.startswith("49") and randomness.random() < 0.8:
        return national + number[2:]
    return randomness.choice(international) + number


def _quoted(text):
    return '"{}"'.format(text.replace('"', '""'))


CAUSES = {
    ANSWERED: ("NORMAL_CLEARING", "16", "200"),
    NO_ANSWER: ("NO_ANSWER", "19", "480"),
    BUSY: ("USER_BUSY", "17", "486"),
    FAILED: ("NORMAL_TEMPORARY_FAILURE", "41", "503"),
}


def _record(call, randomness):
    """One record of mod_json_cdr, encode-values off."""
    user = next((user for user in FREESWITCH_USERS if user.account == call.account), None)
    address = user.address if user else "198.51.100.200"
    midnight = int(DAY.timestamp()) * SECOND
    start, answer, end = (midnight + time for time in (call.start, call.answer, call.end))
    if call.result != ANSWERED:
        answer = 0
    identity = str(uuid.UUID(int=randomness.getrandbits(128), version=4))
    port = str(5060 + randomness.randrange(4) * 2)
    cause, q850, status = CAUSES[call.result]
    variables = {
        "direction": "inbound",
        "uuid": identity,
        "sip_from_user": call.account,
        "sip_from_uri": f"{call.account}@sip.northwind.example",
        "sip_network_ip": address,
        "sip_network_port": port,
        "sip_received_ip": address,
        "sip_req_user": call.dialled,
        "sip_user_agent": user.agent if user else "friendly-caller",
        "sip_call_id": f"{randomness.getrandbits(48):012x}@{address}",
        "endpoint_disposition": "ANSWER" if answer else "RECEIVED",
        "hangup_cause": cause,
        "hangup_cause_q850": q850,
        "sip_term_status": status,
    }
    if randomness.random() < 0.3:
        variables["accountcode"] = call.account
    for event, moment in (("start", start), ("answer", answer), ("end", end)):
        if moment:
            stamp = DAY + timedelta(microseconds=moment - midnight)
            variables[f"{event}_stamp"] = stamp.strftime("%Y-%m-%d %H:%M:%S")
        variables[f"{event}_epoch"] = str(moment // SECOND)
        variables[f"{event}_uepoch"] = str(moment)
    variables |= {
        "duration": str(end // SECOND - start // SECOND),
        # rounded times, subtracted: at times a second off, as FreeSWITCH has it
        "billsec": str(end // SECOND - answer // SECOND if answer else 0),
        "billmsec": str((end - answer) // 1000 if answer else 0),
    }
    profile = {
        "username": call.account,
        "caller_id_name": user.name if user else call.account,
        "ani": call.account,
        "caller_id_number": call.account,
        "network_addr": address,
        "destination_number": call.dialled,
        "uuid": identity,
        "source": "mod_sofia",
        "context": "public",
        "chan_name": f"sofia/external/{call.account}@sip.northwind.example",
    }
    times = {"created_time": str(start), "answered_time": str(answer), "hangup_time": str(end)}
    return {
        "core-uuid": "5f1f6c1e-2d0b-4c57-9f0e-3a5d8c1b7e42",
        "switchname": "fs1.northwind.example",
        "channel_data": {"state": "CS_REPORTING", "direction": "inbound", "state_number": "11"},
        "variables": variables,
        "callflow": [{"dialplan": "XML", "profile_index": "1", "caller_profile": profile, "times": times}],
    }
