"""Days over the number of accelerators: 200 sizes from 8 to 2,000,000 for models of 8 B, 70 B and 405 B.

Days must never rise, and no size may take more than three seconds of processor time:

    python benchmarks/sizes.py [SIZES] [BATCH]
"""

from __future__ import annotations

import sys
import time

import numpy as np

from gigawatt.chain.training.question import read_question
from gigawatt.chain.training.size import fit_run
from gigawatt.core.errors import InfeasibleError

MODELS = ("llama-3.1-8b", "llama-3.1-70b", "llama-3.1-405b")
MOST_SECONDS = 3.0


def main(sizes: int = 200, batch: str | None = None) -> int:
    """Print where days rise and where a size takes too long; the number of both."""
    wrong = 0
    for model in MODELS:
        question, last, slowest, refused = (
            read_question(model=model, chip="H100", batch=batch),
            np.inf,
            0.0,
            0,
        )
        counts = np.unique(np.round(np.geomspace(8, 2_000_000, sizes)).astype(int))
        for count in map(int, counts):
            started = time.process_time()
            try:
                fit = fit_run(question, count)
            except InfeasibleError:
                refused += 1
                continue
            finally:
                slowest = max(slowest, time.process_time() - started)
            if fit.seconds > last:
                wrong += 1
                print(
                    f"{model} on {count:,}: {fit.seconds / 86400:.5g} days, {fit.seconds / last - 1:.2%} more"
                )
            last = fit.seconds
        wrong += slowest > MOST_SECONDS
        print(f"{model}: {len(counts)} sizes, {refused} too small, slowest {slowest:.2f} CPU s")
    return wrong


if __name__ == "__main__":
    sys.exit(main(*(int(one) for one in sys.argv[1:2]), *sys.argv[2:3]) > 0)
