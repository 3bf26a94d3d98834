"""What a campaign takes beside its final pre-training run."""

from __future__ import annotations

import pytest

from gigawatt import catalog
from gigawatt.chain.training.campaign import PHASES, phase_hours
from gigawatt.core.errors import InputError
from gigawatt.core.result import Result
from gigawatt.studies.run.door import run

RUN = {
    "model": "llama-2-13b", "year": 2023, "training.tokens": "100B tokens", "machine.chip": "A100",
    "machine.count": 64, "site": "virginia", "supply.price": "60 $/MWh",
}  # fmt: skip


def found(**phases: object) -> Result:
    return run({**RUN, **{f"campaign.{name}": value for name, value in phases.items()}}).found


@pytest.mark.parametrize(
    ("text", "hours"),
    [("20 %", 200.0), ("119 h", 119.0), ("30 x 2 %", 600.0), ("3 x 10 h", 30.0), ("2 days", 48.0)],
)
def test_a_phase_is_a_share_hours_or_runs_of_either(text: str, hours: float) -> None:
    assert phase_hours("campaign.ablations", text, 1000.0 * 3600.0) == pytest.approx(hours * 3600.0)


@pytest.mark.parametrize("text", ["much", "0.2", "-5 %", "30 x", "5 MWh", "x 5 %"])
def test_what_is_neither_is_refused(text: str) -> None:
    """One line that names the key and what is allowed."""
    with pytest.raises(InputError, match="20 %") as raised:
        phase_hours("campaign.ablations", text, 3600.0)
    assert raised.value.key == "campaign.ablations"


def test_the_final_run_alone_says_so() -> None:
    """Nothing is added in silence, and the answer says what others took."""
    result = found()
    assert result["campaign.multiplier"] == 1.0
    assert "final pre-training run alone" in result["campaign.counts"]


def test_deepseek_v3_took_2788_thousand_hours() -> None:
    """Pre-training 2,664 k, context 119 k, post-training 5 k: 2,788 k H800-hours (their table 1)."""
    result = found(like="deepseek-v3")
    assert result["campaign.multiplier"] == pytest.approx(2788 / 2664, abs=5e-4)
    hours = result["campaign.hours"]
    assert hours == pytest.approx(result["training.accelerator_hours"] * result["campaign.multiplier"])


def test_the_llama_project_took_three_times_its_final_runs() -> None:
    """2,638 MWh of the project, 777 MWh of four final runs (Touvron et al. 2023, table 15)."""
    assert found(like="llama-1")["campaign.multiplier"] == pytest.approx(2638 / 777, rel=0.01)


def test_a_phase_that_is_given_replaces_the_published_one() -> None:
    """The others stay; energy, carbon and cost follow the hours."""
    result = found(like="deepseek-v3", long_context="10 %", ablations="100 %")
    assert result["campaign.multiplier"] == pytest.approx(1.0 + 0.10 + 1.0 + 0.0019)
    for name, of in (("energy", "energy.run"), ("carbon", "carbon.run"), ("cost", "ledger.run_cost")):
        assert result[f"campaign.{name}"] == pytest.approx(result[of] * result["campaign.multiplier"])
    assert "ablations" in result["campaign.counts"]


def test_an_unknown_campaign_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError) as raised:
        found(like="deepseek-v4")
    assert raised.value.key == "campaign.like"
    assert "deepseek-v3" in str(raised.value)


def test_published_phases_are_phases() -> None:
    for row in catalog.table("campaigns").values():
        assert set(row.numbers) <= set(PHASES)
