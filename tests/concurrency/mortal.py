"""Processes to be killed: one that loads Odoo once, and does each job in a fork of its own.

A program: `python mortal.py <database>`. It reads a job a line, as JSON, and writes the pid of
the fork that does it, then how that ended.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

SECONDS = 60


class Mortals:
    """The test's side: starts jobs and kills them.

    :param arena: whose database they work on
    """

    def __init__(self, arena):
        self.arena = arena
        self.process = subprocess.Popen(
            [sys.executable, __file__, arena.database],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        assert self._read() == "ready"

    def _read(self):
        line = self.process.stdout.readline().strip()
        assert line, "the process for jobs ended"
        return line

    def start(self, **job):
        """Start a job; return the pid of its process."""
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        return int(self._read())

    def kill(self, pid):
        """Kill a job at once; return whether it was still at work. Its transactions are gone then."""
        os.kill(pid, signal.SIGKILL)
        status = int(self._read())
        deadline = time.monotonic() + SECONDS
        while self.arena.value(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = %s",
            f"odoo-{self.process.pid}",
        ):
            assert time.monotonic() < deadline, "the server still works for the killed process"
            time.sleep(0.01)
        return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL

    def wait(self, pid):
        """Wait until a job has come to its end; return whether it did well."""
        return int(self._read()) == 0

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()


def import_file(arena, switch, path):
    with arena.env() as env:
        env["tier.usage.import"]._import_file(env["tier.switch"].browse(switch), path)


def press_import(arena, record):
    """Press the button of an uploaded file, as a request does."""
    with arena.env() as env:
        env["tier.usage.import"].browse(record).action_import()


def watch_folders(arena, root):
    """Do what the scheduled action does.

    :param root: the folder below which switches put their files
    """
    with arena.env() as env, patch.object(type(env["tier.switch"]), "_ingest_root", lambda switch: root):
        env["tier.switch"]._cron_watch_folders()


def run_scheduled(arena, action, seconds):
    """Do what a worker of the scheduler does, until there is nothing to do.

    :param str action: external id of the ``ir.cron``
    :param float seconds: how long a run may last
    """
    from odoo.sql_db import db_connect

    from odoo.addons.base.models.ir_cron import MIN_TIME_PER_JOB
    from odoo.addons.tier_rating.charging.shift import Shift

    def of(env):
        return Shift(seconds, begun=env.context["cron_end_time"] - MIN_TIME_PER_JOB)

    with arena.env() as env:
        cron = env.ref(action).id
    scheduler = arena.registry["ir.cron"]
    with patch.object(Shift, "of", of):
        while True:
            with db_connect(arena.database).cursor() as cr:
                job = scheduler._acquire_one_job(cr, cron)
                if not job:
                    return
                scheduler._process_job(cr, job)


def serve(arena, port):
    """Answer requests on localhost, until killed."""
    from odoo.http import root
    from odoo.service.server import ThreadedWSGIServerReloadable

    ThreadedWSGIServerReloadable("127.0.0.1", port, root).serve_forever()


def make_calls(arena, wallets):
    """Authorize calls and settle some of them, in four threads, until killed."""
    deadline = time.monotonic() + SECONDS

    def run(number):
        while time.monotonic() < deadline:
            for wallet in wallets:
                request = arena.request(SimpleNamespace(id=wallet), 60)
                granted = arena.ask(request).granted
                if granted and number % 2:
                    usage = arena.usage(SimpleNamespace(id=wallet), granted, session_key=request.session_key)
                    arena.charge([usage])

    threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def post_rerating(arena, run, batch):
    """Press the button that posts a re-rating, with small batches.

    :param int run: id of the ``tier.rerating``
    :param int batch: events per transaction
    """
    from odoo.addons.tier_rating import rerating

    with arena.env() as env, patch.object(rerating, "BATCH", batch):
        env["tier.rerating"].browse(run).action_post()


JOBS = {
    job.__name__: job
    for job in (import_file, press_import, watch_folders, run_scheduled, serve, make_calls, post_rerating)
}


def main(database):
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    from arena import Arena
    from odoo_process import context

    from odoo import sql_db
    from odoo.modules.registry import Registry
    from odoo.tools import config

    config.parse_config([*context()["arguments"], "-d", database, "--no-http", "--log-level=warn"], setup_logging=True)
    Registry(database)
    sql_db.close_all()  # a connection cannot be shared with a fork
    print("ready", flush=True)  # noqa: T201  this is how it speaks
    for line in sys.stdin:
        job = json.loads(line)
        pid = os.fork()
        if not pid:
            try:
                arena = Arena(database, job.pop("prefix", ""))
                JOBS[job.pop("name")](arena, **job)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        print(pid, flush=True)  # noqa: T201
        print(os.waitpid(pid, 0)[1], flush=True)  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1])
