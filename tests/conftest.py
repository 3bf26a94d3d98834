"""What every test shares: no test reads the user catalog of whoever runs the suite; interrupts interrupt."""

from __future__ import annotations

import os
import signal

os.environ["GIGAWATT_CATALOG"] = ""  # before any module is imported, and in every process that a test starts
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # as a shell does to what it runs in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)
