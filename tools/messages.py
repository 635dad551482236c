"""What the person at the terminal reads: steps with their time, failures with a remedy."""

import errno
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from contextlib import contextmanager, suppress

TICK_SECONDS = 0.5  # how often the line moves on a terminal
STILL_SECONDS = 30  # how often a log without a terminal hears that a step goes on

# What a command said -> (what it means, what to do). The first match wins.
CAUSES = (
    (
        ("No space left on device", "Disk quota exceeded"),
        "the disk is full",
        "Free some space, or set TIER_CACHE to a folder on a larger disk.",
    ),
    (
        (
            "Temporary failure resolving",
            "Could not resolve",
            "Name or service not known",
            "Temporary failure in name resolution",
            "Network is unreachable",
            "EAI_AGAIN",
            "Connection timed out",
            "Could not connect to",
            "Failed to establish a new connection",
            "ENOTFOUND",
            "No route to host",
        ),
        "the network, or the server that was asked, cannot be reached",
        "Check the connection (and the proxy settings) and run the same command again.",
    ),
    (
        ("Permission denied", "Operation not permitted"),
        "a file may not be read or written",
        "Run as a user who may, or set TIER_CACHE to a folder of yours.",
    ),
    (
        ("Cannot allocate memory", "out of memory", "Killed"),
        "the memory ran out",
        "Stop other programs and run the same command again.",
    ),
)


class Failure(Exception):
    """An end that a person can do something about.

    :param message: what happened, in one sentence
    :param remedy: what to do about it
    :param log: the file with the details, if not the command's own log
    """

    def __init__(self, message, remedy="", log=None):
        super().__init__(message)
        self.message, self.remedy, self.log = message, remedy, log


class Log:
    """The file that takes everything the terminal is spared."""

    path = None

    @classmethod
    def open(cls, path):
        """Start to log into `path` and cut what an earlier run left there."""
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.stat().st_size > 5_000_000:
            path.unlink()
        cls.path = path
        cls.write(f"\n===== {time.strftime('%Y-%m-%d %H:%M:%S')} pid {os.getpid()}: {' '.join(sys.argv)}\n")

    @classmethod
    def write(cls, text):
        if cls.path:
            with cls.path.open("a", encoding="utf-8", errors="replace") as stream:
                stream.write(text)


def say(text=""):
    """Write one line of progress; results alone go to standard output."""
    print(text, file=sys.stderr, flush=True)


class Step:
    """A piece of work that may take more than a moment; `note` tells how far it is."""

    def __init__(self, title):
        self.title, self.note = title, ""
        self.start = time.monotonic()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._tick, daemon=True)
        self._thread.start()

    @property
    def seconds(self):
        return time.monotonic() - self.start

    def _line(self):
        note = f" ({self.note})" if self.note else ""
        return f"  … {self.title}{note} {self.seconds:.0f} s"

    def _tick(self):
        tty, next_still = sys.stderr.isatty(), STILL_SECONDS
        while not self._done.wait(TICK_SECONDS):
            if tty:
                width = os.get_terminal_size(sys.stderr.fileno()).columns or 80
                print(f"\r\x1b[K{self._line()[: width - 1]}", end="", file=sys.stderr, flush=True)
            elif self.seconds > next_still:
                next_still += STILL_SECONDS
                say(self._line())

    def end(self, mark):
        self._done.set()
        self._thread.join()
        clear = "\r\x1b[K" if sys.stderr.isatty() else ""
        say(f"{clear}  {mark} {self.title} {self.seconds:.1f} s")
        Log.write(f"--- {mark} {self.title} {self.seconds:.1f} s\n")


@contextmanager
def step(title):
    """Show `title` while the block runs, and how long it took."""
    current = Step(title)
    try:
        yield current
    except BaseException:
        current.end("✗")
        raise
    current.end("✓")


def explain(text):
    """The likely cause of a failure in what a command printed, or None.

    :return: (cause, remedy)
    """
    for needles, cause, remedy in CAUSES:
        if any(needle in text for needle in needles):
            return cause, remedy
    return None


def run(command, what, remedy="", on_line=None, check=True, **options):
    """Run a command with its output in the log.

    :param command: list of arguments
    :param what: what the command is for; begins the message if it fails ("Odoo's installation")
    :param remedy: what to do if it fails for a cause that is not a common one
    :param on_line: called with each line of output
    :param check: raise when the command fails
    :return: (exit code, output)
    """
    command = [str(part) for part in command]
    Log.write(f"$ {' '.join(command)}\n")
    options.setdefault("stdin", subprocess.DEVNULL)
    try:
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            **options,
        )
    except OSError as error:
        if not check:
            return 127, str(error)
        raise Failure(f"{what} failed: {error.strerror}: {error.filename or command[0]}", remedy) from error
    output = []
    try:
        for line in process.stdout:
            Log.write(line)
            output.append(line)
            if on_line:
                on_line(line)
        code = process.wait()
    except BaseException:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
        raise
    text = "".join(output)
    if code and check:
        cause, advice = explain(text[-20000:]) or (f"exit code {code}: {last_words(text)}", remedy)
        raise Failure(f"{what} failed: {cause}.", advice)
    return code, text


def first_words(text):
    """The first line that says something."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[0][:300].rstrip(".") if lines else "no output"


def last_words(text):
    """The last line that says something."""
    return first_words("\n".join(reversed(text.splitlines())))


def guard(main):
    """Run `main()` and turn every way it can end into an exit code and at most one message."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        return main() or 0
    except KeyboardInterrupt:
        say("\nStopped.")
        return 130
    except Failure as failure:
        return _report(failure)
    except OSError as error:
        log_quietly(traceback.format_exc())
        known = explain(os.strerror(error.errno)) if error.errno else None
        if error.errno == errno.EPIPE:
            return 1
        cause, remedy = known or (error.strerror or str(error), "")
        where = f" ({error.filename})" if error.filename else ""
        return _report(Failure(f"{cause}{where}.", remedy))
    except Exception as error:  # the one place that may: nobody should meet a traceback
        log_quietly(traceback.format_exc())
        return _report(Failure(f"unexpected {type(error).__name__}: {error}", "Please report it with the log."))


def _interrupt(_number, _frame):
    raise KeyboardInterrupt


def log_quietly(text):
    """Log where the disk that holds the log may be the very problem."""
    with suppress(OSError):
        Log.write(text)


def _report(failure):
    log_quietly(f"FAILED: {failure.message}\n{failure.remedy}\n")
    say(f"\ntier: {failure.message}")
    if failure.remedy:
        say(f"      {failure.remedy}")
    log = failure.log or Log.path
    if log and log.exists():
        say(f"      Details: {log}")
    return 1
