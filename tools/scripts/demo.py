"""Load the demo's rates and call records by the add-ons' own import; print figures and logins."""

import json

from environment import environment


def progress(text):
    print(f"TIER progress {text}", flush=True)


with environment() as env:
    demo = env["tier.demo"]
    demo._load(progress=progress)
    answer = {"summary": demo._summary(), "logins": demo._logins()}
print(f"TIER result {json.dumps(answer, default=str)}", flush=True)
