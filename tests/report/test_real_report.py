"""The faces on a real answer: the shipped GPT-3 example, run, saved, read back and shown."""

from __future__ import annotations

import pytest
from band_ends import band_ends
from test_report import Page

from gigawatt.core.result import Result
from gigawatt.core.store import load_result, save_result
from gigawatt.studies.run.far_off import card_bands, step_band
from gigawatt.studies.run.figures import NAMES
from gigawatt.studies.run.render import render
from gigawatt.studies.run.words import sentences
from ran import ran

EXAMPLE = "gpt3-175b-a100"


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Result:
    return load_result(save_result(ran(EXAMPLE), tmp_path_factory.mktemp("real") / "gpt3"))


def test_a_real_result_is_shown_whole(real: Result) -> None:
    page = Page(render(real))
    assert page.loads == []
    assert len(sentences(real)) == 9
    for sentence in sentences(real):
        assert " ".join(sentence.split()) in page.text
    for item in real.assumptions:
        assert item.key in page.text
        assert " ".join(item.reason.split()) in page.text
    for notice in real.notices:
        assert " ".join(notice.split()) in page.text
    assert "nan" not in page.text.lower().split()


@pytest.mark.parametrize("name", [name for name in NAMES if name != "bad_week"])  # of the command alone
def test_a_real_figure_draws(real: Result, name: str) -> None:
    assert len(real.figure(name).data) > 0


def test_the_real_breakdown_adds_up(real: Result) -> None:
    assert real.figure("breakdown").data[0].x[-1] == pytest.approx(
        real["training.effective_step_time"], rel=1e-9
    )


def test_the_real_sankey_conserves_power(real: Result) -> None:
    link = real.figure("sankey").data[0].link
    rows = list(zip(link.source, link.target, link.value, strict=True))
    inner = {s for s, _, _ in rows} & {t for _, t, _ in rows}
    assert inner
    hairline = 2e-4 * sum(v for s, _, v in rows if s not in {t for _, t, _ in rows})  # is not drawn
    for node in inner:
        into = sum(v for _, t, v in rows if t == node)
        assert sum(v for s, _, v in rows if s == node) == pytest.approx(into, rel=2e-3, abs=hairline)


def test_the_bands_of_key_figures_are_those_of_the_steps(real: Result) -> None:
    """Of a step, of what is slower and of what is quicker than said, all the same factors."""
    found, band = card_bands(real), step_band(real)
    assert band is not None
    assert band.days is not None
    ends = {
        name: band_ends(text, real.quantity(name).unit)
        for name, text in found.items()
        if name != "training.tokens_per_second"
    }
    assert ends["training.step_time"] == pytest.approx(band.step, rel=0.01)
    assert [end / 86400.0 for end in ends["training.duration"]] == pytest.approx(band.days, rel=0.01)
    utilisation = real["training.mfu"]
    shares = [utilisation * real["training.step_time"] / step for step in reversed(band.step)]
    assert ends["training.mfu"] == pytest.approx(shares, rel=0.01)
    hours, days = real["training.accelerator_hours"], real["training.duration"]
    wanted = [hours * end / days for end in ends["training.duration"]]
    assert ends["training.accelerator_hours"] == pytest.approx(wanted, rel=0.02)
