"""The PostgreSQL server: a private cluster of this checkout, or the one that odoo.conf names."""

import configparser
import fcntl
import json
import os
import pwd
import re
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

from . import system
from .messages import Failure, Log, explain, first_words, run, step
from .paths import CONFIG, ROOT, digest, ensure, locked

OLDEST = 13
ROLE = "tier"
SOCKET_NAME = ".s.PGSQL.5432"
SOCKET_LIMIT = 107  # bytes of a unix socket's path

SETTINGS = """
# Written by ./tier. Only this machine's own users reach the server, by the socket.
listen_addresses = ''
port = 5432
unix_socket_directories = '{socket}'
unix_socket_permissions = 0700
max_connections = 120
shared_buffers = {buffers}MB
work_mem = 16MB
maintenance_work_mem = 128MB
max_wal_size = 4GB
checkpoint_timeout = 15min
# No replica reads the log, so it need not be made for one.
wal_level = minimal
max_wal_senders = 0
jit = off
log_line_prefix = '%m [%p] %d '
lc_messages = 'C'
"""


def _buffers():
    """An eighth of the machine's memory for tables, in MB: less on a small one, 2 GB on a large one."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    return min(max(memory // 8, 128), 2048)


def server_options():
    """The db_… values of odoo.conf that name a server of the user's own."""
    parser = configparser.RawConfigParser()
    try:
        parser.read(CONFIG)
    except configparser.Error as error:
        raise Failure(f"{CONFIG} cannot be read: {error}", "Mend the file.") from error
    names = {
        "db_host": "PGHOST",
        "db_port": "PGPORT",
        "db_user": "PGUSER",
        "db_password": "PGPASSWORD",
        "db_sslmode": "PGSSLMODE",
    }
    values = {}
    for name, variable in names.items():
        value = parser.get("options", name, fallback="").strip()
        if value not in ("", "False", "None"):
            values[variable] = value
    return values


def choose(folder):
    """The server to use: `External` if odoo.conf names one, else the `Cluster` in `folder`."""
    named = server_options()
    return External(named) if set(named) - {"PGSSLMODE"} else Cluster(folder)


class External:
    """A server that runs without us."""

    suffix = f"_{digest(str(ROOT))[:6]}"  # it may serve other checkouts too

    def __init__(self, named):
        self.env = {**_plain_environment(), **{k: v for k, v in os.environ.items() if k.startswith("PG")}, **named}

    @contextmanager
    def running(self):
        yield self

    def stop(self):
        return False

    def admin_env(self):
        return self.env


class Cluster:
    """A cluster of our own: unix socket only, never as root, stopped when nobody uses it."""

    suffix = ""

    def __init__(self, folder):
        self.folder = folder
        self.data = folder / "data"
        self.log = folder / "server.log"
        self.socket = _socket_folder(folder)
        self.owner = pwd.getpwnam("postgres") if os.geteuid() == 0 and _has_user("postgres") else None
        self.env = {**_plain_environment(), "PGHOST": str(self.socket), "PGPORT": "5432", "PGUSER": ROLE}

    def admin_env(self):
        return {**self.env, "PGUSER": "postgres"}

    @contextmanager
    def running(self):
        """Have the server up in the block; the last ./tier that leaves stops it."""
        ensure(self.folder)
        with (self.folder / "users").open("a+") as users:
            with locked(self.folder / "lock", "starts PostgreSQL"):
                fcntl.flock(users, fcntl.LOCK_SH)
                if not self._up():
                    self._start()
            try:
                yield self
            finally:
                self._stop_if_unused(users)

    def stop(self):
        """Stop the server, unless another ./tier uses it; return whether it was stopped."""
        if not self._up():
            return False
        with (self.folder / "users").open("a+") as users:
            return self._stop_if_unused(users)

    def _stop_if_unused(self, users):
        with locked(self.folder / "lock", "stops PostgreSQL"):
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            if self._up():
                self._run([self._program("pg_ctl"), "-D", self.data, "-m", "fast", "-w", "stop"], "Stopping PostgreSQL")
            return True

    def _program(self, name):
        return find_programs() / name

    def _run(self, command, what, **options):
        """Run a PostgreSQL program as the cluster's owner."""
        if self.owner:
            options.update(user=self.owner.pw_uid, group=self.owner.pw_gid, extra_groups=[])
        env = {**_plain_environment(), "LC_ALL": "C"}
        return run(command, what, cwd="/", env=env, **options)

    def _up(self):
        if not (self.data / "postmaster.pid").exists():
            return False
        code, _ = self._run([self._program("pg_ctl"), "-D", self.data, "status"], "PostgreSQL", check=False)
        return code == 0

    def _start(self):
        find_programs()
        if os.geteuid() == 0 and not self.owner:
            self.owner = _need_user()
        _own(self.socket, self.owner)
        if not (self.data / "PG_VERSION").exists():
            self._create()
        (self.data / "tier.conf").write_text(SETTINGS.format(socket=self.socket, buffers=_buffers()))
        with step("Starting PostgreSQL"):
            code, _ = self._run(
                [self._program("pg_ctl"), "-D", self.data, "-l", self.log, "-w", "-t", "60", "start"],
                "Starting PostgreSQL",
                check=False,
            )
            if code:
                text = self.log.read_text(errors="replace")[-5000:] if self.log.exists() else ""
                Log.write(text)
                raise Failure(*_why_not_started(text), log=self.log)

    def _create(self):
        with step("Creating a private PostgreSQL cluster"):
            shutil.rmtree(self.data, ignore_errors=True)
            _own(self.folder, self.owner)
            self._check_reachable()
            self._run(
                [
                    self._program("initdb"),
                    "-D",
                    self.data,
                    "-U",
                    "postgres",
                    "--encoding=UTF8",
                    "--locale=C.UTF-8",
                    "--auth=peer",
                ],
                "Creating a PostgreSQL cluster",
            )
            users = {pwd.getpwuid(os.geteuid()).pw_name}
            if self.owner:
                users.add(self.owner.pw_name)
            lines = [f"tier {user} {role}\n" for user in sorted(users) for role in (ROLE, "postgres")]
            (self.data / "pg_ident.conf").write_text("".join(lines))
            (self.data / "pg_hba.conf").write_text("local all all peer map=tier\n")
            with (self.data / "postgresql.conf").open("a") as stream:
                stream.write("include 'tier.conf'\n")

    def _check_reachable(self):
        if not self.owner:
            return
        code, _ = self._run(["/usr/bin/test", "-w", self.folder], "", check=False)
        if code:
            raise Failure(
                f"the user {self.owner.pw_name}, as whom PostgreSQL runs, cannot enter {self.folder}.",
                "Set TIER_CACHE to a folder that other users may enter, or run as another user than root.",
            )


def find_programs():
    """The folder with the newest PostgreSQL server's programs, installed if need be."""
    found = _installed()
    if not found:
        _install()
        found = _installed()
    if not found:
        raise Failure(
            "no PostgreSQL server from version 13 on is on this machine.",
            "Install one (Debian, Ubuntu: sudo apt-get install postgresql), or name your own "
            "server in odoo.conf by db_host, db_user and db_password.",
        )
    return found


def _installed():
    folders = []
    for program in [*Path("/usr/lib/postgresql").glob("*/bin/initdb"), *Path("/usr").glob("pgsql-*/bin/initdb")]:
        version = re.search(r"(\d+)/bin/initdb$", str(program))
        if version and int(version.group(1)) >= OLDEST and (program.parent / "pg_ctl").exists():
            folders.append((int(version.group(1)), program.parent))
    if not folders and shutil.which("initdb") and shutil.which("pg_ctl"):
        return Path(shutil.which("initdb")).parent
    return max(folders)[1] if folders else None


def _install():
    """Install Debian's server without the cluster that its package would create and start."""
    if not system.can_install():
        return
    setting = "/etc/postgresql-common/createcluster.d/tier.conf"
    system.install(["postgresql-common"], "to run a database")
    system.as_root(
        ["sh", "-c", f"mkdir -p {Path(setting).parent} && echo create_main_cluster=false > {setting}"],
        "Preparing PostgreSQL's installation",
    )
    try:
        system.install(["postgresql"], "to run a database")
    finally:
        system.as_root(["rm", "-f", setting], "Cleaning up after PostgreSQL's installation")


def _need_user():
    if not _has_user("postgres"):
        raise Failure(
            "PostgreSQL does not run as root, and there is no user postgres to run it as.",
            "Run ./tier as another user than root, or create that user: useradd --system postgres",
        )
    return pwd.getpwnam("postgres")


def _has_user(name):
    try:
        return bool(pwd.getpwnam(name))
    except KeyError:
        return False


def _plain_environment():
    """Our environment without settings for some other PostgreSQL."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}


def _socket_folder(folder):
    """Where the socket goes: beside the data, or in a short folder if that path is too long."""
    beside = folder / "socket"
    if len(os.fsencode(beside / SOCKET_NAME)) < SOCKET_LIMIT:
        return beside
    return Path(tempfile.gettempdir()) / f"tier-{os.geteuid()}-{digest(str(folder))[:8]}"


def _own(folder, owner):
    """Make a private folder that belongs to the cluster's owner, whoever made it first."""
    ensure(folder)
    uid = owner.pw_uid if owner else os.geteuid()
    if folder.is_symlink() or folder.stat().st_uid not in (uid, os.geteuid()):
        raise Failure(f"{folder} belongs to somebody else.", "Remove it, or set TIER_CACHE to a shorter path.")
    if owner:
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    folder.chmod(0o700)


def _why_not_started(text):
    if "lock file" in text and "already exists" in text:
        return "PostgreSQL did not start: its socket is in use.", "Run ./tier stop and try again."
    if "No space left" in text:
        return "PostgreSQL did not start: the disk is full.", "Free some space."
    return "PostgreSQL did not start.", "See its log; ./tier clean gives a new cluster."


def sql(python, env, database, *statements):
    """Run statements, each a transaction of its own, and return the last one's rows.

    :param python: an interpreter that has psycopg2
    :param env: environment with PGHOST and the like
    """
    script = Path(__file__).parent / "scripts" / "sql.py"
    code, text = run([python, script, database, json.dumps(statements)], f"SQL on {database}", env=env, check=False)
    if code:
        cause, remedy = explain(text) or (first_words(text), "")
        if not remedy and server_options():
            remedy = "Check db_host, db_user and db_password in odoo.conf and the role's right to create databases."
        raise Failure(f"the database server refused: {cause}.", remedy or "Run ./tier stop and try again.")
    return json.loads(text.splitlines()[-1])
