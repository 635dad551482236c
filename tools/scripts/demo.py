"""Load the demo's rates and call records by the add-ons' own import; print figures and logins.

With TIER_DEMO_LOADED set it only prints.
"""

import json
import os

from environment import environment


def progress(text, done=None):
    print(f"TIER progress {text}{'' if done is None else f': {done}'}", flush=True)


with environment() as env:
    demo = env["tier.demo"]
    if not os.environ.get("TIER_DEMO_LOADED"):
        demo._load(progress=progress)
        env.cr.commit()  # calls are charged in transactions of their own: now see them
    answer = {"summary": demo._summary(), "logins": demo._logins()}
print(f"TIER result {json.dumps(answer, default=str)}", flush=True)
