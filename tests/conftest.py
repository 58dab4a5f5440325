"""Puts this folder and the one above it on the path: tests share `networks.py`, and test `benchmarks`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.append(str(Path(__file__).parents[1]))
