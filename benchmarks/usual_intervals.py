"""Usual 90 % intervals of key figures: what the page shows until the intervals of its own scenario are drawn.

``python benchmarks/usual_intervals.py [--scenarios 30]`` draws the random scenarios of ``gaps.py`` and the
examples and prints, by branch and key figure, the medians of both ends over the value as rows of the table
``uncertainty``, and how far the ends of a single scenario lie from these (median, logarithms).
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Iterator
from math import exp, log
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

import gigawatt
from gaps import random_scenario
from gigawatt.core.errors import GigawattError
from gigawatt.studies.run.grids import titles_of
from gigawatt.studies.run.sayings import branch_of

EXAMPLES = (
    "llama-3.1-405b-texas", "deepseek-v3-h800", "gpt3-175b-a100", "serve-llama-70b-virginia",
    "campus-300mw-texas",
)  # fmt: skip


def _files(number: int, folder: Path) -> Iterator[Path]:
    for name in EXAMPLES:
        yield Path(__file__).parents[1] / "examples" / f"{name}.yaml"
    for case in range(number):
        path = folder / f"{case}.yaml"
        path.write_text(yaml.safe_dump(random_scenario(case), sort_keys=False), encoding="utf-8")
        yield path


_OWN = {"serving.kept", "serving.goodput_failures"}
"""Shares that depend on the targets of a scenario: another's interval says nothing of them."""


def main() -> None:
    """Print the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenarios", type=int, default=30)
    ends: dict[tuple[str, str], list[tuple[float, float]]] = {}
    with TemporaryDirectory() as folder:
        for path in _files(parser.parse_args().scenarios, Path(folder)):
            try:
                result = gigawatt.run(str(path), uncertainty=True, draws=500).found
            except GigawattError as error:
                print(f"# {path.stem}: {error}")
                continue
            drawn = result.tables["uncertainty"]
            for name in set(titles_of(result)) & set(drawn.index) - _OWN:
                row = drawn.loc[name]
                both = float(row["low"] / row["value"]), float(row["high"] / row["value"])
                ends.setdefault((branch_of(result), name), []).append(both)
    for (branch, name), pairs in sorted(ends.items()):
        low, high = (exp(statistics.median(log(pair[k]) for pair in pairs)) for k in (0, 1))
        off = statistics.median(abs(log(pair[k] / (low, high)[k])) for pair in pairs for k in (0, 1))
        print(
            f"usual-{branch},{name},1,{low:.3g},{high:.3g},1,,,modelled,gigawatt-usual-intervals,"
            f"`python benchmarks/usual_intervals.py`,medians of {len(pairs)} scenarios; ends of one lie "
            f"{100 * (exp(off) - 1):.0f} % from them in the median"
        )


if __name__ == "__main__":
    main()
