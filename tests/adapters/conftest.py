"""The adapters are plain Python: test them without Odoo."""

import sys
from io import BytesIO
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "addons" / "tier_rating"))

import adapters

DATA = Path(__file__).parent / "data"


@pytest.fixture
def read():
    """Read text or bytes as a file of a format; keywords become ReadOptions."""

    def read(code, content, **options):
        data = content.encode() if isinstance(content, str) else content
        stream = BytesIO(data)
        return list(adapters.get(code).read(stream, adapters.ReadOptions(**options)))

    return read


@pytest.fixture
def sample():
    """Bytes of a file under data/."""
    return lambda name: (DATA / name).read_bytes()
