"""Perplexity and its intervals: transformers' own loss, scipy's t, drawn coverage, what is kept."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from tiny_llama import text, tiny  # noqa: E402

from gigawatt.core.errors import InputError, MissingDataError  # noqa: E402
from gigawatt.emulation import evaluate  # noqa: E402
from gigawatt.emulation.evaluate import interval, losses, pick_windows  # noqa: E402
from gigawatt.emulation.run import emulate  # noqa: E402
from gigawatt.technology.substrate import Substrate  # noqa: E402

torch.set_num_threads(1)
FP4 = Substrate("mine", "mine", "digital", {"weights": "nvfp4", "activations": "nvfp4"})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(evaluate, "cache_folder", lambda: tmp_path)
    return tmp_path


def test_the_loss_is_that_of_transformers() -> None:
    windows = pick_windows(tiny(), text(), 3, 48)
    with torch.no_grad():
        theirs = [float(tiny().module(input_ids=w[None], labels=w[None]).loss) for w in windows]
    assert losses(tiny().module, windows) == pytest.approx(theirs, rel=1e-5)


def test_an_even_guess_has_the_perplexity_of_the_vocabulary() -> None:
    class Even(torch.nn.Module):
        def forward(self, input_ids):
            return type("Answer", (), {"logits": torch.zeros(*input_ids.shape, 96)})

    found = losses(Even(), pick_windows(tiny(), text(), 3, 48))
    assert interval(found).value == pytest.approx(96.0, rel=1e-6)


def test_a_broken_model_counts_as_an_even_guess() -> None:
    class Broken(torch.nn.Module):
        def forward(self, input_ids):
            return type("Answer", (), {"logits": torch.full((*input_ids.shape, 96), float("nan"))})

    assert losses(Broken(), pick_windows(tiny(), text(), 2, 48)) == pytest.approx([np.log(96.0)] * 2)


def test_the_interval_is_that_of_scipy() -> None:
    x = np.random.default_rng(0).normal(3.0, 0.4, 12)
    y = x + np.random.default_rng(1).normal(0.1, 0.02, 12)
    alone, paired = interval(x), interval(y, x)
    theirs = stats.ttest_1samp(x, 0.0).confidence_interval(0.95)
    assert (alone.low, alone.high) == pytest.approx(np.exp([theirs.low, theirs.high]))
    theirs = stats.ttest_rel(y, x).confidence_interval(0.95)
    assert (paired.low, paired.high) == pytest.approx(np.exp([theirs.low, theirs.high]))
    assert paired.high / paired.low < alone.high / alone.low


def test_the_interval_covers() -> None:
    """Drawn windows and seeds: the true ratio lies inside 95 of 100 times, within what chance allows."""
    rng = np.random.default_rng(2)
    inside = 0
    for _ in range(600):
        base = rng.normal(3.0, 0.4, 10)
        drawn = rng.normal(0.0, 0.05, (4, 1))
        mine = base + 0.2 + drawn + rng.normal(0.0, 0.1, (1, 10))
        found = interval(mine, base)
        inside += found.low <= np.exp(0.2) <= found.high
    assert 0.92 <= inside / 600 <= 0.985


def test_more_windows_narrow_it() -> None:
    x = np.random.default_rng(3).normal(3.0, 0.4, 400)
    few, many = interval(x[:40]), interval(x)
    assert np.log(many.high / many.low) == pytest.approx(np.log(few.high / few.low) / 10**0.5, rel=0.25)


def test_intervals_that_cannot_be_are_refused() -> None:
    with pytest.raises(InputError, match="two windows"):
        interval([3.0])
    with pytest.raises(InputError, match="windows differ"):
        interval([3.0, 3.1], [3.0, 3.1, 3.2])


def test_windows_are_of_the_held_out_part_and_do_not_overlap() -> None:
    held = [i for p in text().held_out for i in tiny().encode(p + "\n\n")]
    windows = pick_windows(tiny(), text(), 5, 40)
    assert windows.shape == (5, 40)
    places = [next(s for s in range(0, len(held), 40) if held[s : s + 40] == w.tolist()) for w in windows]
    assert len(set(places)) == 5
    with pytest.raises(InputError, match="fewer windows"):
        pick_windows(tiny(), text(), 10_000, 40)
    with pytest.raises(InputError, match="no windows"):
        pick_windows(tiny(), text(), 0, 40)


# one entry


def test_a_run_describes_itself() -> None:
    told: list[float] = []
    run = emulate(
        tiny(),
        FP4,
        text=text(),
        windows=3,
        length=48,
        cache=False,
        progress=lambda _, share: told.append(share),
    )
    answer = json.loads(json.dumps(run.to_json(), allow_nan=False))
    assert answer["windows"] == 3
    assert answer["seeds"] == 1
    assert len(answer["losses"][0]) == len(answer["baseline_losses"]) == 3
    assert answer["ratio"]["value"] == pytest.approx(
        np.exp(np.mean(answer["losses"][0]) - np.mean(answer["baseline_losses"])), rel=1e-9
    )
    assert answer["statistics"]["perplexity"] == answer["perplexity"]["value"]
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1.0)


def test_the_model_is_left_as_it_was() -> None:
    before = {k: v.clone() for k, v in tiny().module.state_dict().items()}
    kind = tiny().module.config._attn_implementation
    asked = Substrate("c", "c", "digital", {"weights": "int3", "cache": "int4"})
    emulate(tiny(), asked, text=text(), windows=2, length=48, cache=False)
    assert all(torch.equal(before[k], v) for k, v in tiny().module.state_dict().items())
    assert tiny().module.config._attn_implementation == kind


def test_a_kept_run_is_read_again_and_another_is_not(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = emulate(tiny(), FP4, text=text(), windows=3, length=48)
    kept = sorted(folder.rglob("*.json"))
    assert len(kept) == 2  # the baseline and the substrate
    import gigawatt.emulation.run as entry

    calls: list[int] = []
    monkeypatch.setattr(entry, "losses", lambda *a: calls.append(1) or losses(*a))
    assert emulate(tiny(), FP4, text=text(), windows=3, length=48) == first
    assert calls == []
    other = Substrate("mine", "mine", "digital", {**FP4.settings, "weights": "mxfp4"})
    emulate(tiny(), other, text=text(), windows=3, length=48)
    assert len(calls) == 1
    emulate(tiny(), FP4, text=text(), windows=4, length=48)
    assert len(calls) == 3
    monkeypatch.setattr(entry, "code_digest", lambda: "another version")
    emulate(tiny(), FP4, text=text(), windows=3, length=48)
    assert len(calls) == 5


def test_a_damaged_keep_is_run_again(folder: Path) -> None:
    first = emulate(tiny(), FP4, text=text(), windows=3, length=48)
    for file in folder.rglob("*.json"):
        file.write_text("{")
    assert emulate(tiny(), FP4, text=text(), windows=3, length=48).ratio == first.ratio


@pytest.mark.parametrize(
    ("more", "key"),
    [({"windows": 1}, "windows"), ({"seeds": 0}, "seeds"), ({"calibration": -1}, "calibration")],
)
def test_too_few_is_refused(more: dict[str, int], key: str) -> None:
    with pytest.raises(InputError, match=rf"^{key}: too few"):
        emulate(tiny(), FP4, text=text(), **more)  # type: ignore[arg-type]


def test_a_technology_without_a_face_is_refused() -> None:
    with pytest.raises(MissingDataError, match="no functional face"):
        emulate(tiny(), Substrate("x", "x", "telepathy", {}), text=text())
