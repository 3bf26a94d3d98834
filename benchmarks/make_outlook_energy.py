"""Make ``outlook/energy_response.csv`` and ``outlook/site_water.csv``: the supply room's answers to the
outlook.

    python benchmarks/make_outlook_energy.py [FOLDER]

Some 180 pathways, about three CPU-minutes. FOLDER is where the tables go, the catalog's by default.
"""

from __future__ import annotations

import csv
import io
import sys
import time
from pathlib import Path

from gigawatt import catalog
from gigawatt.core.store import write_files
from outlook_energy import rows_of, site_water


def _text(rows: list[dict[str, str]]) -> str:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def main(folder: Path) -> None:
    """Solve every cell and write both tables."""
    start = time.process_time()
    rows = rows_of(lambda text, share: print(f"{100 * share:.0f} % {text}", file=sys.stderr))
    write_files(folder, {"energy_response.csv": _text(rows), "site_water.csv": _text(site_water())})
    print(f"{len(rows)} rows in {time.process_time() - start:.0f} CPU-s, {folder}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else catalog.path("outlook/owners.csv").parent)
