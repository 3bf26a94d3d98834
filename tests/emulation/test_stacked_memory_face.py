"""Where weights are read changes no number: the face of stacked memory is the digital one."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch")

from gigawatt.emulation import digital, stacked_memory  # noqa: E402
from gigawatt.hardware.technology.stacked_memory import numerics  # noqa: E402
from gigawatt.hardware.technology.substrate import load_substrate  # noqa: E402


def test_products_are_those_of_the_formats() -> None:
    torch.set_num_threads(1)
    made = load_substrate("pim-int8")
    same = load_substrate("int8")
    assert dict(numerics(made).settings) == dict(same.settings)
    x = torch.randn(3, 5, 16, generator=torch.Generator().manual_seed(1))
    results = []
    for face, substrate in ((stacked_memory, made), (digital, same)):
        torch.manual_seed(2)
        model = torch.nn.Sequential(torch.nn.Linear(16, 8, bias=False))
        model.config = SimpleNamespace(head_dim=8)
        face.convert(model, substrate, torch.zeros(0, 4, dtype=torch.long), torch.Generator())
        results.append(model(x))
    assert torch.equal(results[0], results[1])
    assert stacked_memory.NOISY is digital.NOISY
    assert not stacked_memory.needs_calibration(made)
