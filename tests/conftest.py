"""What every test shares: no test reads the user catalog of whoever runs the suite."""

from __future__ import annotations

import os

os.environ["GIGAWATT_CATALOG"] = ""  # before any module is imported, and in every process that a test starts
