"""The server of `./tier run`: its port, its process, its end."""

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from .messages import Failure, Log, last_words, step

START_SECONDS = 120
STOP_SECONDS = 15
GEVENT_OFFSET = 3  # Odoo's own ports are 8069 and 8072


def check_port(port):
    """Make sure that nobody listens on the port already."""
    for number in (port, port + GEVENT_OFFSET):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", number))
            except OSError as error:
                raise Failure(
                    f"port {number} cannot be used: {error.strerror.lower()}.",
                    f"Choose another one, for instance: ./tier run --port {port + 100}",
                ) from error


class Server:
    """One Odoo server on localhost, recorded by its pid."""

    def __init__(self, instance, database, port):
        self.instance, self.database, self.port = instance, database, port
        self.log = instance.folder / "logs" / "odoo.log"
        self.record = instance.folder / "pids" / f"odoo-{port}.json"
        self.process = None

    @property
    def address(self):
        return f"http://localhost:{self.port}"

    def start(self):
        """Start it and wait until it answers."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        command = self.instance.odoo_command(
            "server",
            "-d",
            self.database,
            "--http-interface=127.0.0.1",
            f"--http-port={self.port}",
            f"--gevent-port={self.port + GEVENT_OFFSET}",
        )
        Log.write(f"$ {' '.join(command)}\n")
        with step("Starting Odoo"):
            with self.log.open("w") as stream:
                self.process = subprocess.Popen(
                    command,
                    env=self.instance.env,
                    cwd=self.instance.folder,
                    stdin=subprocess.DEVNULL,
                    stdout=stream,
                    stderr=stream,
                    start_new_session=True,
                )
            self.record.parent.mkdir(parents=True, exist_ok=True)
            self.record.write_text(json.dumps({"pid": self.process.pid, "started": started(self.process.pid)}))
            self._wait()

    def _wait(self):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise Failure(
                    f"Odoo did not start: {last_words(self.log.read_text())}.",
                    "See its log.",
                    log=self.log,
                )
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/web/health", timeout=5).close()
                return
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        self.stop()
        raise Failure(f"Odoo did not answer within {START_SECONDS} s.", "See its log.", log=self.log)

    def wait(self):
        """Serve until somebody stops it; return True if that was asked for."""
        code = self.process.wait()
        asked = not self.record.exists()
        self.record.unlink(missing_ok=True)
        return asked or code in (0, -signal.SIGTERM)

    def stop(self):
        if self.process and self.process.poll() is None:
            end(self.process.pid, self.process.poll)
        self.record.unlink(missing_ok=True)


def started(pid):
    """When a process began, in clock ticks since the machine's start; None if it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] == "Z" else int(fields[19])


def end(pid, gone):
    """Ask the process group of `pid` to end, then insist.

    :param gone: returns something other than None once the process is gone
    """
    for number, patience in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, 5)):
        try:
            os.killpg(pid, number)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if gone() is not None:
                return
            time.sleep(0.1)


def stop_recorded(folder):
    """Stop the servers that were recorded in an instance's folder, if they still are the same.

    :return: how many were stopped
    """
    count = 0
    for record in sorted((folder / "pids").glob("*.json")):
        try:
            noted = json.loads(record.read_text())
        except ValueError:
            noted = {}
        record.unlink(missing_ok=True)
        pid = noted.get("pid")
        # A pid that was given to another process since has another start time.
        if pid and noted.get("started") is not None and started(pid) == noted["started"]:
            with step(f"Stopping Odoo (pid {pid})"):
                end(pid, lambda pid=pid, since=noted["started"]: None if started(pid) == since else True)
            count += 1
    return count
