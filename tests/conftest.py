"""Puts this folder on the path, so that tests of every room share `networks.py`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
