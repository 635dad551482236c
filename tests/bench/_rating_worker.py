"""One worker of `./tier bench rating`: imports a file when told to, and tells what it took.

Arguments: database, file, id of the switch. Prints "ready", waits for a line, and prints
JSON: when it began and ended (the machine's clock), calls, what became of them, peak memory.
"""

import json
import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from odoo_process import committed, context

from odoo.modules.module import initialize_sys_path
from odoo.tools import config


def main(database, path, switch_id):
    config.parse_config([*context()["arguments"], "-d", database, "--log-level=warn"], setup_logging=True)
    initialize_sys_path()
    with committed(database) as env:
        switch = env["tier.switch"].browse(int(switch_id))
        print("ready", flush=True)
        sys.stdin.readline()
        begin = time.time()
        record = env["tier.usage.import"]._import_file(switch, path)
        end = time.time()
        result = {
            "begin": begin,
            "end": end,
            "import_id": record.id,
            "calls": record.record_count,
            "charged": record.charged_count,
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        }
    print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
