"""Puts this folder and the one above it on the path: tests share `networks.py`, and test `benchmarks`.

A process that a shell starts in the background without job control ignores Ctrl-C, and so do those it starts;
tests press it all the same, and would wait for ever.
"""

import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.append(str(Path(__file__).parents[1]))

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
