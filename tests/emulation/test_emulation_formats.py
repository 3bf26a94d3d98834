"""Rounding in torch: equal to the numpy reference; rotations and GPTQ against what must hold exactly."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from gigawatt.core.errors import InputError  # noqa: E402
from gigawatt.emulation.formats import hadamard, quantise, rotate  # noqa: E402
from gigawatt.emulation.gptq import gptq  # noqa: E402
from gigawatt.workload import formats as reference  # noqa: E402

torch.set_num_threads(1)
few = settings(deadline=None, max_examples=30, derandomize=True)
PAIRS = [
    (form, group)
    for form, one in reference.FORMATS.items()
    for group in (("block",) if one.block else ("block",) if one.plain else reference.GROUPS)
    if form != "fp32"
]


def sample(rows: int = 12, width: int = 200) -> torch.Tensor:
    """Wide, tiny, huge and zero rows; a width that no block divides."""
    made = torch.Generator().manual_seed(1)
    x = torch.randn(rows, width, generator=made) * torch.exp(2 * torch.randn(rows, width, generator=made))
    x[0, :64] = 0.0
    x[1] *= 1e-18
    x[2] *= 1e15
    x[3, 0] = -0.0
    return x


@pytest.mark.parametrize(("form", "group"), PAIRS)
def test_equal_to_the_reference(form: str, group: str) -> None:
    x = sample()
    made, wanted = quantise(x, form, group).double().numpy(), reference.quantise(x.numpy(), form, group)
    # scales of rows are fp32 here and double there: one code may differ where a number lies on a border
    close = np.isclose(made, wanted, rtol=3e-7, atol=0.0)
    assert close.mean() >= (1.0 if reference.FORMATS[form].block or reference.FORMATS[form].plain else 0.999)


def test_fp32_is_left_alone() -> None:
    x = sample()
    assert quantise(x, "fp32") is x


def test_another_axis_is_the_transpose() -> None:
    x = sample(64, 96)
    for form, group in (("int4", "channel"), ("mxfp4", "block"), ("int8", "g32")):
        assert torch.equal(quantise(x, form, group, dim=0), quantise(x.t().contiguous(), form, group).t())


def test_the_source_is_not_changed() -> None:
    x = sample()
    kept = x.clone()
    for form, group in PAIRS:
        quantise(x, form, group)
    assert torch.equal(x, kept)


@few
@given(power=st.integers(1, 8))
def test_a_hadamard_matrix_is_orthonormal_and_symmetric(power: int) -> None:
    h = hadamard(1 << power)
    assert torch.equal(h, h.t())
    assert torch.allclose(h @ h, torch.eye(1 << power), atol=1e-6)


def test_a_rotation_keeps_products_and_flattens_outliers() -> None:
    made = torch.Generator().manual_seed(2)
    x, w = torch.randn(16, 192, generator=made), torch.randn(40, 192, generator=made)
    x[:, 7] *= 50.0
    h = hadamard(64)
    turned = rotate(x, h)
    assert torch.allclose(turned @ rotate(w, h).t(), x @ w.t(), rtol=1e-4, atol=1e-3)
    crest = [(y.abs().amax(-1) / y.square().mean(-1).sqrt()).mean() for y in (x, turned)]
    assert crest[1] < 0.5 * crest[0]


@pytest.mark.parametrize("size", [0, 3, 96])
def test_sizes_without_a_matrix_are_refused(size: int) -> None:
    with pytest.raises(InputError, match="power of two"):
        hadamard(size)


def test_a_block_that_does_not_divide_is_refused() -> None:
    with pytest.raises(InputError, match="divides 100"):
        rotate(torch.zeros(2, 100), hadamard(8))


# GPTQ


def layer(seed: int = 3, width: int = 160) -> tuple[torch.Tensor, torch.Tensor]:
    """A weight and correlated inputs."""
    made = torch.Generator().manual_seed(seed)
    mix = torch.randn(width, width, generator=made) / width**0.5
    return torch.randn(48, width, generator=made), torch.randn(2000, width, generator=made) @ mix


@pytest.mark.parametrize(
    ("form", "group"), [("int4", "channel"), ("int3", "g32"), ("mxfp4", "block"), ("nvfp4", "block")]
)
def test_gptq_with_inputs_that_do_not_correlate_is_rounding_to_nearest(form: str, group: str) -> None:
    """A diagonal Hessian passes no error on (Frantar et al. 2023, equation 2)."""
    w, _ = layer()
    scales = torch.diag(torch.rand(w.shape[1], generator=torch.Generator().manual_seed(4)) + 0.5)
    assert torch.allclose(gptq(w, scales, form, group), quantise(w, form, group), rtol=1e-6, atol=0.0)


@pytest.mark.parametrize(
    ("form", "group"), [("int4", "channel"), ("int3", "g32"), ("mxfp4", "block"), ("nvfp4", "block")]
)
def test_gptq_changes_the_output_less_than_rounding_to_nearest(form: str, group: str) -> None:
    w, x = layer()
    wanted = x @ w.t()
    errors = [
        float((x @ rounded.t() - wanted).square().mean())
        for rounded in (gptq(w, x.t() @ x, form, group), quantise(w, form, group))
    ]
    assert errors[0] < 0.8 * errors[1]


def test_gptq_with_a_mask_keeps_it_and_makes_its_loss_good() -> None:
    w, x = layer()
    mask = torch.rand(w.shape, generator=torch.Generator().manual_seed(5)) > 0.3
    made = gptq(w, x.t() @ x, "int8", "channel", mask)
    assert bool((made[~mask] == 0.0).all())
    wanted = x @ w.t()
    plain = quantise(w * mask, "int8", "channel")
    assert (x @ made.t() - wanted).square().mean() < 0.8 * (x @ plain.t() - wanted).square().mean()


def test_gptq_gives_numbers_of_the_format() -> None:
    w, x = layer()
    made = gptq(w, x.t() @ x, "int4", "channel")
    steps = made / (w.abs().amax(1, keepdim=True) / 7.0)
    assert torch.allclose(steps, steps.round(), atol=1e-4)
    assert float(steps.abs().max()) <= 7.0 + 1e-4


def test_inputs_that_never_come_do_not_break_gptq() -> None:
    w, x = layer()
    x[:, 5] = 0.0
    assert bool(torch.isfinite(gptq(w, x.t() @ x, "int4", "channel")).all())
