"""Power cuts in the middle of a file: it is imported again, and each event is charged once on every tier."""

import base64
import http.client
import json
import os
import random
import threading
import time
from contextlib import suppress
from datetime import timedelta

import pytest
from arena import NUMBER, now
from odoo_process import free_port

# How often each way is killed.
POINTS = {"file": 10, "upload": 3, "folder": 3, "runs": 4, "http": 4}
EVENTS = 4200
BATCH = 500
FIRST = 1700  # begins the unique ids of the first file
SECONDS = 60

pytestmark = pytest.mark.usefixtures("conserved_after_all")


class _File:
    """A file on disk, as the command line imports it."""

    code = "file"
    state = "draft"  # of the import that died

    def __init__(self, arena, mortals, switch, path):
        self.arena, self.mortals, self.switch, self.path = arena, mortals, switch, path

    def begin(self):
        """Start the import in a process of its own; return its pid."""
        return self.mortals.start(name="import_file", switch=self.switch["id"], path=str(self.path))

    def died(self):
        """Check what the person finds after the kill."""

    def counted(self, done):
        """Return the counts of the import that came to its end, of which so many events were there before."""
        return EVENTS - done, done, 0

    def again(self):
        """Import it again, in another process; return the counts (charged, known, in suspense)."""
        assert self.mortals.wait(self.begin())
        return self.arena.rows(
            """SELECT charged_count, duplicate_count, suspense_count FROM tier_usage_import
                WHERE switch_id = %s AND state = 'done' ORDER BY id DESC LIMIT 1""",
            self.switch["id"],
        )[0]


class _Upload(_File):
    """A file that a person uploaded, and whose button he presses."""

    code = "upload"

    def __init__(self, arena, mortals, switch, path):
        super().__init__(arena, mortals, switch, path)
        with arena.env() as env:
            values = {"name": path.name, "switch_id": switch["id"], "data": base64.b64encode(path.read_bytes())}
            self.record = env["tier.usage.import"].create(values).id

    def begin(self):
        return self.mortals.start(name="press_import", record=self.record)


class _Folder(_File):
    """A file in a watched folder, which is gone on with, and put away once all of it is charged."""

    code = "folder"
    state = "queued"

    def __init__(self, arena, mortals, switch, path):
        super().__init__(arena, mortals, switch, path)
        self.folder = path.parent / "root" / switch["folder"]
        self.folder.mkdir(parents=True)
        self.there = path.rename(self.folder / path.name)
        os.utime(self.there, (time.time() - 3600,) * 2)

    def begin(self):
        return self.mortals.start(name="watch_folders", root=str(self.path.parent / "root"))

    def died(self):
        assert self.there.exists()

    def counted(self, done):
        return EVENTS, 0, 0  # one import, which the kill did not make another

    def again(self):
        counts = super().again()
        assert not self.there.exists()
        assert [path.name for path in (self.folder / "done").iterdir()] == [self.path.name]
        return counts


class _Runs(_Upload):
    """A large upload that the scheduler imports in many short runs."""

    code = "runs"
    state = "queued"

    def __init__(self, arena, mortals, switch, path):
        super().__init__(arena, mortals, switch, path)
        with arena.env() as env:
            env["tier.usage.import"].browse(self.record)._queue()

    def begin(self):
        return self.mortals.start(name="run_scheduled", action="tier_rating.ir_cron_usage_import", seconds=0.2)

    def died(self):
        # The scheduler's lock went with the process, and what it was to do is still to be done.
        with self.arena.env() as env:
            env.ref("tier_rating.ir_cron_usage_import")._trigger()

    def counted(self, done):
        return EVENTS, 0, 0


class _Post(_File):
    """Records that a switch posts over HTTP: the server dies, and the switch has no answer."""

    code = "http"
    state = None  # no file, so no import

    def begin(self):
        self.answer = None
        self.port = free_port()
        pid = self.mortals.start(name="serve", port=self.port)
        self.client = threading.Thread(target=self._post)
        self.client.start()
        return pid

    def _post(self):
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
            try:
                connection.connect()
            except ConnectionRefusedError:
                time.sleep(0.01)
                continue
            with suppress(OSError, http.client.HTTPException), self.path.open("rb") as body:
                headers = {
                    "Authorization": f"Bearer {self.switch['token']}",
                    "Content-Length": str(self.path.stat().st_size),
                }
                connection.request("POST", "/credit/v1/cdr", body, headers)
                response = connection.getresponse()
                self.answer = response.status, json.load(response)
            return

    def died(self):
        self.client.join(SECONDS)
        assert self.answer is None

    def again(self):
        pid = self.begin()
        self.client.join(SECONDS)
        assert self.mortals.kill(pid)
        status, figures = self.answer
        assert status == 200
        return figures["charged"], figures["duplicates"], figures["suspense"]


WAYS = (_File, _Upload, _Folder, _Runs, _Post)


@pytest.fixture(scope="module")
def endpoints(arena, customers):
    with arena.env() as env:
        for customer in customers:
            env["tier.endpoint"].create({"wallet_id": customer.id, "identifier": f"mortal-{customer.id}"})


@pytest.fixture
def switch(arena, endpoints):
    with arena.env() as env:
        code = arena.key("switch")
        values = {"name": "Switch that dies", "code": code, "adapter": "asterisk_csv", "tz": "UTC", "folder": code}
        switch = env["tier.switch"].create(values)
        token = switch.action_new_ingest_token()["context"]["default_token"]
        return {"id": switch.id, "code": code, "folder": code, "token": token}


def _written(path, customers, chance):
    """Write a Master.csv; return the calls in it as (wallet, seconds)."""
    calls, lines = [], []
    for number in range(EVENTS):
        customer, seconds = chance.choice(customers), chance.randint(1, 300)
        phone = f"mortal-{customer.id}"
        start = now() - timedelta(days=1, seconds=-number)
        answer, end = start + timedelta(seconds=2), start + timedelta(seconds=2 + seconds)
        lines.append(
            f'"","{phone}","00{NUMBER}","from-phones","","PJSIP/{phone}-{number:08x}","PJSIP/carrier-{number:08x}",'
            f'"Dial","PJSIP/x","{start}","{answer}","{end}",{seconds + 2},{seconds},"ANSWERED","DOCUMENTATION",'
            f'"{FIRST * 1_000_000 + number}.{number}"\n'
        )
        calls.append((customer, seconds))
    path.write_text("".join(lines))
    return calls


@pytest.mark.parametrize(
    ("way", "point"),
    [(way, point) for way in WAYS for point in range(POINTS[way.code])],
    ids=lambda value: getattr(value, "code", value),
)
def test_a_killed_import_leaves_whole_events_and_is_done_by_running_it_again(
    arena, mortals, customers, switch, tmp_path, way, point
):
    """Killed at a random moment of a random batch: what is there is whole; again, and each event is charged once.

    Guards that all of a batch is one transaction, and that the events' keys outlive the process.
    """
    chance = random.Random(f"{way.code} {point}")
    path = tmp_path / "Master.csv"
    calls = _written(path, customers, chance)
    keys = f"{switch['code']}:%"
    expected = arena.balances_after(calls)
    taken = way(arena, mortals, switch, path)

    pid = taken.begin()
    # Two batches are charged in turns, and the last ones are soon done: a kill must not come after the end.
    before = chance.randrange(EVENTS // BATCH - 3)
    enough = "SELECT count(*) >= %s FROM tier_usage_event WHERE source_key LIKE %s"
    deadline = time.monotonic() + SECONDS
    while not arena.value(enough, before * BATCH, keys):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    time.sleep(chance.uniform(0, 0.04))
    assert mortals.kill(pid)
    taken.died()

    # What is there is whole, at once after the kill.
    done = arena.check_events(keys)
    assert before * BATCH <= done < EVENTS
    assert done % BATCH == 0  # a batch is there or not
    arena.check_accounts(expected)
    # The events tell what file they came with, though that import never ended.
    assert arena.rows(
        """SELECT DISTINCT i.state FROM tier_usage_event e LEFT JOIN tier_usage_import i ON i.id = e.import_id
            WHERE e.source_key LIKE %s""",
        keys,
    ) == ([(taken.state,)] if done else [])

    assert taken.again() == taken.counted(done)
    assert arena.check_events(keys) == EVENTS
    assert {wallet: arena.balance(wallet) for wallet in expected} == expected
    arena.check_accounts(expected)
