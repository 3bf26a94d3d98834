"""Where weights are read changes no number: the face of stacked memory is the digital one."""

from __future__ import annotations

import copy

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from tiny_llama import tiny  # noqa: E402

from gigawatt.emulation import digital, stacked_memory  # noqa: E402
from gigawatt.technology.registry import load_substrate  # noqa: E402
from gigawatt.technology.stacked_memory.products import numerics  # noqa: E402


def test_products_are_those_of_the_formats() -> None:
    torch.set_num_threads(1)
    made = load_substrate("pim-int8")
    same = load_substrate("int8")
    assert dict(numerics(made).settings) == dict(same.settings)
    ids = torch.randint(0, 96, (1, 24), generator=torch.Generator().manual_seed(1))
    results = []
    for face, substrate in ((stacked_memory, made), (digital, same)):
        model = copy.deepcopy(tiny().module)
        face.convert(model, substrate, torch.zeros(0, 4, dtype=torch.long), torch.Generator())
        with torch.no_grad():
            results.append(model(input_ids=ids, use_cache=False).logits)
    assert torch.equal(results[0], results[1])
    assert stacked_memory.NOISY is digital.NOISY
    assert not stacked_memory.needs_calibration(made)
