"""Write the translation templates of add-ons into a folder."""

import os
from pathlib import Path

from environment import environment

from odoo.tools.translate import trans_export

folder = Path(os.environ["TIER_POT_FOLDER"])
with environment() as env:
    for name in os.environ["TIER_POT_ADDONS"].split(","):
        with (folder / f"{name}.pot").open("wb") as stream:
            trans_export(None, [name], stream, "po", env)
