"""Spike trains of snntorch's integrate-and-fire neuron: the golden file of ``tests/emulation``.

    python benchmarks/neuromorphic_oracle.py [FILE]

Needs snntorch (``pip install --no-deps snntorch``). ``Leaky(beta=1, reset_mechanism="subtract")`` on whole
numbers in fp32, membrane started at half a threshold; currents that stay and currents that change.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gigawatt.emulation.neurons import THRESHOLD

GOLDEN = Path(__file__).parent.parent / "tests" / "emulation" / "golden_snntorch.json"


def run_snntorch(currents: torch.Tensor) -> torch.Tensor:
    """Spikes (steps, neurons) of snntorch for currents (steps, neurons) ≥ 0."""
    import snntorch

    neuron = snntorch.Leaky(beta=1.0, threshold=float(THRESHOLD), reset_mechanism="subtract")
    membrane = torch.full_like(currents[0], THRESHOLD / 2)
    fired = []
    for current in currents:
        spikes, membrane = neuron(current, membrane)
        fired.append(spikes)
    return torch.stack(fired).detach()


def cases() -> dict[str, torch.Tensor]:
    """Currents (steps, neurons) in units of the membrane."""
    rng = np.random.default_rng(0)
    edges = [0, 1, 273, 546, 547, 8191, 8192, 8193, 15837, 15838, 16383, 16384]
    drawn = rng.integers(0, THRESHOLD + 1, 20)
    still = torch.tensor(np.concatenate([edges, drawn]), dtype=torch.float32)
    made = {f"still-{steps}": still.expand(steps, -1) for steps in (15, 31, 63)}
    made["changing"] = torch.tensor(rng.integers(0, THRESHOLD + 1, (40, 16)), dtype=torch.float32)
    return made


def main() -> None:
    import snntorch

    found: dict[str, Any] = {"snntorch": snntorch.__version__, "torch": torch.__version__, "cases": {}}
    for name, currents in cases().items():
        spikes = run_snntorch(currents)
        rows = currents if name == "changing" else currents[:1]
        found["cases"][name] = {
            "currents": rows.int().tolist(),
            "spikes": ["".join(str(int(x)) for x in neuron) for neuron in spikes.T],
        }
    file = Path(sys.argv[1]) if len(sys.argv) > 1 else GOLDEN
    file.write_text(json.dumps(found, indent=None, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
