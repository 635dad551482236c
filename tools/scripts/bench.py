"""Run a measurement: `main(bench)` of the file named, on a fresh database.

Arguments: the file, a JSON list of the measurement's own arguments.
"""

import importlib.util
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from odoo_process import Databases, OdooProcess, committed, connect, context  # noqa: E402

from odoo.modules.module import initialize_sys_path  # noqa: E402
from odoo.tools import config  # noqa: E402


class Bench:
    """What a measurement works with.

    :param database: the name of a fresh copy with our add-ons and demo data, where commits
        wait for the disk as in production
    :param arguments: the words after the measurement's name
    """

    def __init__(self, databases, arguments):
        self.databases, self.arguments = databases, arguments
        self.database = databases.create()
        self._processes = []

    def committed(self, user=1):
        """An Odoo environment in this process, committed at the block's end."""
        return committed(self.database, user)

    def connect(self):
        """A plain connection (psycopg2) to the database."""
        return connect(self.database)

    def start_odoo(self, *options):
        """An Odoo server on the database, on localhost, such as start_odoo("--workers=2")."""
        process = OdooProcess(self.database, *options)
        self._processes.append(process)
        return process.start()

    @staticmethod
    def note(text):
        """Tell how far it is."""
        print(text, file=sys.stderr, flush=True)

    def close(self):
        for process in self._processes:
            process.stop()
        self.databases.drop_all()


def main(file, arguments):
    bench = Bench(Databases(), json.loads(arguments))
    config.parse_config([*context()["arguments"], "-d", bench.database, "--log-level=warn"], setup_logging=True)
    initialize_sys_path()  # a measurement may import our add-ons
    # What measurements share stands beside them.
    sys.path.insert(0, str(Path(file).parent))
    try:
        spec = importlib.util.spec_from_file_location("measurement", file)
        measurement = importlib.util.module_from_spec(spec)
        sys.modules["measurement"] = measurement
        spec.loader.exec_module(measurement)
        result = measurement.main(bench)
    finally:
        bench.close()
    print(json.dumps(result, default=str), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
