"""Train the small model that travels with the package, on the training part of the Wikipedia slice.

    python benchmarks/train_small_model.py [FOLDER] [--seed 0] [--epochs 5]

One thread. The folder is one that ``gigawatt emulate --model FOLDER`` reads; the one that travels is
``src/gigawatt/emulation/data/small``.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

from gigawatt.emulation.text import load_text
from language_training import train_small_model

SHIPPED = Path(__file__).parent.parent / "src" / "gigawatt" / "emulation" / "data" / "small"


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("folder", nargs="?", type=Path, default=SHIPPED)
    reader.add_argument("--seed", type=int, default=0)
    reader.add_argument("--epochs", type=float, default=5)
    given = reader.parse_args()
    torch.set_num_threads(1)

    def say(text: str, share: float) -> None:
        sys.stderr.write(f"\r{share:6.1%}  {text}")

    made = train_small_model(load_text(), given.folder, seed=given.seed, epochs=given.epochs, progress=say)
    print("\n", made)


if __name__ == "__main__":
    main()
