"""Bring the sums of usage up to date, or sum all anew (``TIER_SUMS=rebuild``); print what differs from the charges."""

import json
import os
import time

from environment import environment

with environment() as env:
    begin = time.monotonic()
    rollup = env["tier.usage.rollup"]
    if os.environ.get("TIER_SUMS") == "rebuild":
        rollup._rebuild()
    else:
        rollup._cron_add()
    env.cr.commit()
    summed = time.monotonic()
    wallets = env["tier.wallet"]
    answer = {
        "differences": [
            {"wallet": wallets.browse(wallet_id).name, "expected": expected, "found": found, "figure": figure}
            for wallet_id, expected, found, figure in rollup._differences()
        ],
        "seconds": summed - begin,
        "check_seconds": time.monotonic() - summed,
    }
print(f"TIER result {json.dumps(answer, default=str)}", flush=True)
