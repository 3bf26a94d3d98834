"""Models that are known by their size: the shape of a catalog model, scaled until the parameters agree."""

from __future__ import annotations

import pytest

from gigawatt import run
from gigawatt.core.errors import InputError
from gigawatt.workload import read_architecture
from gigawatt.workload.sized import sizes_of


@pytest.mark.parametrize("billions", [1.1, 6.7, 13, 33, 70, 176, 340, 540, 1000])
def test_a_dense_size_has_its_parameters(billions: float) -> None:
    """Within 5 %, all of them used by every token, in layers that pipelines divide."""
    model = read_architecture(f"{billions}B")
    assert model.parameters.total == pytest.approx(billions * 1e9, rel=0.05)
    assert model.active_parameters == model.parameters.total
    assert model.layers % 4 == 0


@pytest.mark.parametrize(("name", "total", "active"), [("236B-A23B", 236, 23), ("1.2T-A97B", 1200, 97)])
def test_a_mixture_has_both_sizes(name: str, total: float, active: float) -> None:
    """Experts follow all parameters, layers and width the active ones."""
    model = read_architecture(name)
    assert model.parameters.total == pytest.approx(total * 1e9, rel=0.02)
    assert model.active_parameters == pytest.approx(active * 1e9, rel=0.05)


def test_the_size_of_a_known_model_has_its_shape() -> None:
    """Llama 7B, of the family whose shape is taken: 32 layers, width 4096 (Touvron et al. 2023, table 2)."""
    model = read_architecture("6.7B")
    assert (model.layers, model.hidden) == (32, 4096)


@pytest.mark.parametrize("given", ["7B-A9B", "1B moe", "900T", "2M"])
def test_a_size_of_no_model_is_refused(given: str) -> None:
    """One line that says what a size is."""
    with pytest.raises(InputError, match=r"33B|A23B"):
        read_architecture(given)


@pytest.mark.parametrize("name", ["33", "B33", "llama-33b", "33Q"])
def test_other_names_are_no_sizes(name: str) -> None:
    """They stay names."""
    assert sizes_of(name) is None


def test_the_shape_is_listed_as_an_assumption() -> None:
    """In training and in serving."""
    training = {"model": "13B", "training.tokens": "1T tokens", "machine.count": 64}
    serving = {"model": "13B", "serving.demand": "1 requests/s", "serving.simulated_requests": 500}
    common = {"machine.chip": "H100", "site": "virginia", "supply.price": "60 $/MWh", "year": 2025}
    for question in (training, serving):
        answer = run({**common, **question})
        assert [one for one in answer.found.assumptions if one.key == "model" and "13B" in one.value]
