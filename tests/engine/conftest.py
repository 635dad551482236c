"""The engine is plain Python: these tests need neither Odoo nor a database.

``addons/tier_rating`` goes on the path, so that ``import engine`` finds the engine without
importing the add-on around it, which needs Odoo.
"""

import os
import sys
from pathlib import Path

from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parents[2] / "addons" / "tier_rating"))

# Time limits would make the tests depend on what else the machine does.
# TIER_EXAMPLES=3000 ./tier test tests/engine compares so many random cases a property.
settings.register_profile("engine", deadline=None, max_examples=int(os.environ.get("TIER_EXAMPLES", "100")))
settings.load_profile("engine")
