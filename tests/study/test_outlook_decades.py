"""The decades of the outlook: counts for every chunking, lift, overrides, relief, sensitivities, faces."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from gigawatt.core.document import Again
from gigawatt.core.errors import InputError
from gigawatt.faces.report import html
from gigawatt.faces.terminal import main
from gigawatt.outlook.adoption.expectations import came_true, expectations
from gigawatt.outlook.adoption.technologies import list_technologies
from gigawatt.outlook.frame import YEARS, year_index
from gigawatt.outlook.priors import read_priors
from gigawatt.outlook.randomness import SEED
from gigawatt.studies.outlook.decades import lift
from gigawatt.studies.outlook.document import document
from gigawatt.studies.outlook.limits import outlook_tables
from gigawatt.studies.outlook.mixed import Mixed
from gigawatt.studies.outlook.outlook import OutlookResult, OutlookScenario, evaluate, outlook, read_outlook
from gigawatt.studies.outlook.sensitivity import Answer, sensitivities, tornado

DRAWS = 1_500


@pytest.fixture(scope="module")
def base() -> OutlookResult:
    return outlook("base", DRAWS)


def drawn(outputs: list[str], draws: int = 400, **quantities: object) -> dict[str, np.ndarray]:
    return evaluate(read_priors("base", quantities), outlook_tables(), SEED, 0, draws, outputs)


def test_decades_do_not_depend_on_the_chunks(base: OutlookResult) -> None:
    again = outlook("base", DRAWS, chunk=377)
    assert json.dumps(again.decades) == json.dumps(base.decades)
    assert list(base.decades) == ["2030s", "2040s"]


def test_shares_of_draws_are_those_of_the_definitions(base: OutlookResult) -> None:
    outputs = sorted({one.output for row in expectations() for one in row.conditions})
    found = drawn(outputs, DRAWS)
    for row in expectations():
        told = next(x for x in base.decades[row.decade]["expectations"] if x["id"] == row.id)
        assert told["share"] == pytest.approx(float(np.mean(came_true(row, found))))
        assert 0.0 <= told["share"] <= 1.0


def test_lift_is_mann_and_whitney_s() -> None:
    """Oracle: scipy's U over n m, ties among them."""
    rng = np.random.Generator(np.random.Philox(key=5))
    one, other = rng.integers(0, 6, 40).astype(float), rng.integers(2, 9, 55).astype(float)
    assert lift(one, other) == pytest.approx(mannwhitneyu(one, other).statistic / (40 * 55))
    with pytest.raises(InputError, match="nothing to compare"):
        lift(one, np.array([]))


def test_what_is_big_has_what_makes_it_big(base: OutlookResult) -> None:
    """Where optical links are big they never failed; where solar is big supply follows cost more sharply."""
    told = {one["id"]: one for one in base.decades["2040s"]["technologies"]}
    assert {one.key for one in list_technologies() if one.family not in ("generation", "quantum")} == {
        id.replace("-", "_") for id in told
    }
    gate = next(row for row in told["optical_links"]["wanted"] if row["quantity"] == "optical_links_fails")
    assert gate["big"] == 0.0 < gate["other"]
    assert gate["lift"] < 0.5
    sharp = next(row for row in told["solar"]["wanted"] if row["quantity"] == "energy_choice")
    assert sharp["big"] > sharp["other"]
    for one in told.values():
        assert one["low"] <= one["median"] <= one["high"]


def test_without_relief_machines_are_the_digital_ones() -> None:
    pairs = (
        ("chip_watts", "chip_watts_digital"),
        ("power_ceiling", "power_queue"),
        ("overhead", "overhead_plain"),
    )
    names = ["technology_saving", *(name for pair in pairs for name in pair)]
    off = drawn(names, technology_relief=0)
    for with_it, without in pairs:
        assert np.array_equal(off[with_it], off[without]), with_it
    assert np.all(off["technology_saving"] == 0.0)
    on = drawn(names)
    assert np.all(on["power_ceiling"] >= on["power_queue"])
    assert np.median(on["chip_watts"][:, -1] / on["chip_watts_digital"][:, -1]) < 1.0
    assert np.array_equal(on["chip_watts_digital"], off["chip_watts_digital"])


def test_quantum_has_no_weight_but_that_of_a_user() -> None:
    assert np.all(drawn(["quantum_share"])["quantum_share"] == 0.0)
    found = drawn(["quantum_share"], quantum_weight=0.2, quantum_fails=0, quantum_time="5 yr")[
        "quantum_share"
    ]
    assert np.all(found[:, : year_index(2031)] == 0.0)
    assert np.all(found[:, year_index(2031) :] == 0.2)


def test_shares_are_shares() -> None:
    names = [f"{one.key}_share" for one in list_technologies()]
    found = drawn(names)
    for name in names:
        assert found[name].shape == (400, len(YEARS))
        assert np.all((found[name] >= 0.0) & (found[name] <= 1.0)), name
    power = sum(found[f"{one.key}_share"] for one in list_technologies("energy"))
    assert np.max(power) < 1.0 + 1e-12
    assert np.all(sum(found[f"{one.key}_share"] for one in list_technologies("generation")) <= 1.0 + 1e-12)


def test_gates_make_shares() -> None:
    """All fail: nothing; none fails, ready at once and cheap: much more than in the base."""
    gone = drawn(["analog_share"], analog_fails=1)["analog_share"]
    assert np.all(gone == 0.0)
    easy = drawn(["analog_share"], analog_fails=0, analog_time="1 yr", analog_cost=0.5)["analog_share"]
    plain = drawn(["analog_share"])["analog_share"]
    at = year_index(2045)
    assert np.mean(easy[:, at]) > 2.0 * np.mean(plain[:, at])


@pytest.mark.parametrize(
    ("quantities", "words"),
    [
        ({"analog_fails": {"kind": "chance", "mid": 1.4}}, "not a probability"),
        ({"fusion_start": 0.1}, "no such quantity"),
        ({"solar_start": 1.2}, "share outside 0 to 1"),
        ({"fusion_cost": 90}, "the unit is missing"),
        ({"fusion_cost": "-5 $/MWh"}, "not above 0"),
        ({"fusion_learning": 1.5}, "not a learning rate"),
        ({"photonic_time": "-3 yr"}, "ready before it began"),
        ({"solar_start": 0.9}, "leave nothing"),
        ({"fuson_cost": "90 $/MWh"}, "fusion_cost"),
    ],
)
def test_impossible_values_are_refused(quantities: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        outlook(OutlookScenario(quantities=quantities), 200)


def test_a_user_s_file_changes_a_technology(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(
        "quantities:\n  space_solar_fails: 0\n  space_solar_cost: 60 $/MWh\n  space_solar_time: 4 yr\n"
    )
    mine = outlook(read_outlook(file), 400)
    space = next(row for row in mine.decades["2040s"]["expectations"] if row["id"] == "space")
    assert space["share"] > 0.8
    assert {row.key for row in mine.overrides} == {
        "space_solar_fails",
        "space_solar_cost",
        "space_solar_time",
    }


def test_new_rows_join_the_sensitivities() -> None:
    answer = Answer("analog_share", 2045, logarithmic=False)
    rows = sensitivities("base", 200, answers=[answer])[answer.name]["rows"]
    names = {name for row in rows for name in row["quantities"]}
    assert {"analog_fails", "analog_time", "compute_choice", "growth_row"} <= names
    assert not {"fusion_time", "quantum_weight"} & names  # do not feed it, or are fixed
    assert "analog_cost" in {row["quantity"] for row in tornado(answer)}


def test_the_terminal_and_the_page_tell_the_decades(
    base: OutlookResult, capsys: pytest.CaptureFixture[str]
) -> None:
    assert any(row["words"].endswith("chiplets are usual") for row in base.decades["2030s"]["expectations"])
    text = html.page(document(base.to_json(), Again("gigawatt outlook")))
    assert "What would have to be true by 2039" in text
    assert "space solar is a reality" in text
    with pytest.raises(SystemExit) as end:
        main(["outlook", "--draws", "300"])
    assert not end.value.code
    told = capsys.readouterr().out
    assert "Expectations of the 2040s, judged at the end of" in " ".join(told.split())
    assert "share of draws" in " ".join(told.split())
    assert "proxy" in told


def test_a_mixed_sample_is_the_frame_run_anew() -> None:
    """Brute force: all blocks on the mixed draws; and the second sample whole."""
    targets, names = ["feasible", "analog_share"], ("analog_cost", "growth_row", "law_row")
    priors, tables = read_priors(), outlook_tables()
    both = Mixed(priors, tables, SEED, 10, 60, targets, "/B")
    for exchanged in ((), names, tuple(priors.rows)):
        wanted = evaluate(priors, tables, SEED, 10, 60, targets, dict.fromkeys(exchanged, "/B"))
        found = both.with_other(exchanged)
        for name in targets:
            assert np.array_equal(found[name], wanted[name]), (name, exchanged)
