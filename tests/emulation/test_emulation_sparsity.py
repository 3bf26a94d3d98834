"""What is left out: exact counts, patterns, and where two methods must agree."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from gigawatt.core.errors import InputError  # noqa: E402
from gigawatt.emulation.sparsity import (  # noqa: E402
    SPARSITY,
    keep_largest,
    keep_pattern,
    mask_of,
    threshold,
)

few = settings(deadline=None, max_examples=30, derandomize=True)


def weight(rows: int = 24, width: int = 64) -> torch.Tensor:
    return torch.randn(rows, width, generator=torch.Generator().manual_seed(7))


@few
@given(keep=st.floats(0.05, 1.0), by_row=st.booleans())
def test_the_share_is_kept_and_nothing_larger_is_left_out(keep: float, by_row: bool) -> None:
    score = weight().abs()
    mask = keep_largest(score, keep, by_row=by_row)
    parts = zip(score, mask, strict=True) if by_row else [(score.reshape(-1), mask.reshape(-1))]
    for one, kept in parts:
        assert int(kept.sum()) == max(1, round(keep * len(one)))
        if not bool(kept.all()):
            assert one[kept].min() >= one[~kept].max()


@pytest.mark.parametrize(("kept", "of"), [(2, 4), (4, 8)])
def test_a_pattern_holds_in_every_group(kept: int, of: int) -> None:
    mask = keep_pattern(weight().abs(), kept, of)
    assert bool((mask.unflatten(-1, (-1, of)).sum(-1) == kept).all())


def test_by_hand() -> None:
    w = torch.tensor([[4.0, -3.0, 2.0, 1.0]])
    assert mask_of("2:4-magnitude", w, 1.0, None).tolist() == [[True, True, False, False]]
    # Sun et al. 2024, figure 1: a small weight of a large input stays
    norms = torch.tensor([1.0, 1.0, 1.0, 100.0])
    assert mask_of("2:4-wanda", w, 1.0, norms).tolist() == [[True, False, False, True]]


def test_wanda_with_equal_inputs_is_magnitude_by_row() -> None:
    w = weight()
    same = mask_of("wanda", w, 0.5, torch.ones(w.shape[1]))
    assert torch.equal(same, keep_largest(w.abs(), 0.5, by_row=True))


def test_looser_patterns_keep_more_of_the_weight() -> None:
    """Mishra et al. 2021: 4:8 contains every 2:4 choice, and no pattern every 4:8 choice."""
    w = weight(64, 512).abs()
    kept = [
        float(w[mask].square().sum())
        for mask in (keep_pattern(w, 2, 4), keep_pattern(w, 4, 8), keep_largest(w, 0.5, by_row=True))
    ]
    assert kept[0] < kept[1] < kept[2]


@few
@given(keep=st.floats(0.05, 1.0))
def test_a_threshold_keeps_its_share(keep: float) -> None:
    x = torch.randn(4000, generator=torch.Generator().manual_seed(8)).abs()
    cut = threshold(x, keep)
    assert float((x >= cut).float().mean()) == pytest.approx(keep, abs=1e-3)


def test_what_is_no_share_or_method_is_refused() -> None:
    for keep in (0.0, -0.1, 1.1):
        with pytest.raises(InputError, match="share"):
            keep_largest(weight().abs(), keep, by_row=True)
        with pytest.raises(InputError, match="share"):
            threshold(weight().abs(), keep)
    with pytest.raises(InputError, match="did you mean 'wanda'"):
        mask_of("wandas", weight(), 0.5, None)
    with pytest.raises(InputError, match="inputs of calibration"):
        mask_of("wanda", weight(), 0.5, None)
    with pytest.raises(InputError, match="multiple of 4"):
        keep_pattern(weight(2, 30), 2, 4)


def test_methods_that_leave_out_no_weight_have_no_mask() -> None:
    assert mask_of("none", weight(), 0.5, None) is None
    assert mask_of("teal", weight(), 0.5, None) is None
    assert set(SPARSITY) >= {"none", "magnitude", "wanda", "2:4-magnitude", "2:4-wanda", "4:8-wanda", "teal"}
