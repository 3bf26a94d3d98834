"""The outlook as a whole: the same numbers for every chunking, what users change, what the rooms say."""

import json
from pathlib import Path

import numpy as np
import pytest

from gigawatt.core.errors import InputError
from gigawatt.faces.terminal import main
from gigawatt.outlook.compute.limits import LIMITS
from gigawatt.studies.outlook.limits import outlook_tables
from gigawatt.studies.outlook.outlook import OutlookResult, OutlookScenario, outlook, read_outlook
from gigawatt.studies.outlook.sensitivity import Answer, sensitivities, tornado
from gigawatt.studies.outlook.utilisation import run_curve
from gigawatt.validation.outlook.monte_carlo import overlap
from gigawatt.validation.published import checks_of

DAY = 86400.0


@pytest.fixture(scope="module")
def base() -> OutlookResult:
    return outlook("base", 2_000)


def test_the_same_seed_gives_the_same_numbers_whatever_the_chunk(base: OutlookResult) -> None:
    again = outlook("base", 2_000, chunk=333)
    for name in base.bands:
        assert np.array_equal(base.bands[name], again.bands[name]), name
    other = outlook("base", 2_000, seed=1)
    assert not np.array_equal(base.bands["electricity"], other.bands["electricity"])


def test_bands_rise_with_their_share_and_shares_sum_to_one(base: OutlookResult) -> None:
    for name, rows in base.bands.items():
        assert np.all(np.isfinite(rows)), name
        assert np.all(np.diff(rows, axis=1) >= 0.0), name
    for table in (base.binding, base.binding_flat, base.binding_actual, base.held_back, base.factories):
        assert np.sum(list(table.values()), axis=0) == pytest.approx(np.ones(len(base.years)))
    for name in LIMITS:
        assert base.relief[name].min() >= 1.0


def test_what_is_feasible_is_below_each_limit(base: OutlookResult) -> None:
    for name in ("power", "chips", "capital", "interconnect", "data"):
        bound = base.bands[f"limit_{name}"] * (1.0 + 2.0 * base.errors["feasible"])
        assert np.all(base.bands["feasible"] <= bound), name
    assert np.all(base.bands["run"] <= base.bands["feasible"] * (1.0 + base.errors["feasible"]))


def test_what_is_measured_is_where_it_was(base: OutlookResult) -> None:
    """Epoch's totals: 6.53 and 19.7 million H100 equivalents; the IEA's 415 TWh of 2024."""
    assert base.band("stock", 2024)[0.5] == pytest.approx(6.53e6, rel=0.02)
    assert base.band("stock", 2025)[0.5] == pytest.approx(19.74e6, rel=0.02)
    assert base.band("electricity", 2024)[0.5] == pytest.approx(415.0, rel=0.01)


def test_scenarios_stand_in_their_order(base: OutlookResult) -> None:
    low, high = outlook("headwinds", 2_000), outlook("lift-off", 2_000)
    for year in (2030, 2040):
        for name in ("electricity", "ai_nameplate"):
            assert low.band(name, year)[0.5] < base.band(name, year)[0.5] < high.band(name, year)[0.5]


def test_a_result_is_json_and_says_what_it_is(base: OutlookResult) -> None:
    read = json.loads(json.dumps(base.to_json(), allow_nan=False))
    assert read["definition"].startswith("Feasible:")
    assert len(read["assumptions"]) > 90
    assert all(row["grade"] and row["reason"] for row in read["assumptions"])
    assert read["overrides"] == []


def test_a_scenario_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("base: headwinds\nyears: [2025, 2030]\nquantities:\n  draw: 0.5\n  run_time: 60 days\n")
    asked = read_outlook(file)
    result = outlook(asked, 500)
    assert result.years == tuple(range(2025, 2031))
    assert {row.key for row in result.overrides} == {"run_time", "draw"}
    assert result.base == "headwinds"
    assert result.scenario == "mine"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "quantities:\n  drow: 0.5\n",
            "mine.yaml:2: quantities.drow: no such quantity of the outlook.*'draw'",
        ),
        (
            "years: [2024, 2060]\n",
            "mine.yaml:1: years: outside the outlook; given 2060; allowed: 2024 to 2050",
        ),
        ("bases: base\n", "did you mean 'base'"),
        ("base: liftoff\n", "did you mean 'lift-off'"),
        ("quantities:\n  draw: {kind: normal, low: 0.2, high: 0.4}\n", "a share outside 0 to 1"),
        ("quantities: [1, 2]\n", "not quantities"),
        ("a: [\n", "cannot read this YAML"),
    ],
)
def test_errors_of_a_scenario_name_file_and_line(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(InputError, match=words):
        read_outlook(file)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: outlook("bass"), "did you mean 'base'"),
        (lambda: outlook("base", 10), "draws: too few"),
        (lambda: outlook("base", 500, seed=-1), "not a seed"),
        (lambda: outlook(OutlookScenario(years=(2030, 2025)), 500), "backwards"),
        (lambda: read_outlook("nowhere.yaml"), "no such scenario"),
    ],
)
def test_bad_questions(call, words: str) -> None:
    with pytest.raises(InputError, match=words):
        call()


def test_more_of_what_binds_is_more() -> None:
    """Twice the grid power never means fewer machines or less electricity, draw by draw as in quantiles."""
    more = OutlookScenario(quantities={"grid_rate": "20 GW/yr"})
    less = OutlookScenario(quantities={"grid_rate": "2 GW/yr"})
    high, low = outlook(more, 500), outlook(less, 500)
    for name in ("stock", "electricity", "limit_power", "feasible"):
        assert np.all(high.bands[name] >= low.bands[name]), name


def test_utilisation_falls_with_the_machine_and_ends_at_a_wall() -> None:
    use = outlook_tables().utilisation
    assert np.all(np.diff(use.feasible, axis=-1) >= -1e-9)  # a larger machine does no smaller run
    share = use.feasible - use.sizes
    assert np.all(share.max(axis=(1, 2, 3)) < np.log10(0.6))
    assert np.all(share[..., -1] < share[..., 8])
    assert np.all(np.diff(use.latency, axis=-1) >= -1e-9)  # more time, larger runs
    assert np.all(np.diff(use.latency, axis=1) >= -1e-9)  # larger batches, larger runs


def test_latency_alone_is_quicker_than_the_machine() -> None:
    ends = {"shortest": 40 * DAY, "longest": 300 * DAY}
    real = run_curve(1e28, "H100-SXM5-80GB", 0.25, **ends)
    free = run_curve(1e28, "H100-SXM5-80GB", 0.25, unlimited=True, **ends)
    assert real is not None
    assert free is not None
    assert free.seconds[-1] < real.seconds[-1]
    assert np.all(np.diff(real.seconds) <= 0.0)


def test_published_utilisation_of_a_run_of_today() -> None:
    """Llama 3.1 405B: 3.8e25 FLOP on 16,384 H100 at 38 to 43 % (Llama team 2024, table 4), 16M tokens."""
    curve = run_curve(3.8e25, "H100-SXM5-80GB", 0.25, shortest=20 * DAY, longest=200 * DAY)
    assert curve is not None
    seconds = np.exp(np.interp(np.log(16384.0), np.log(curve.chips), np.log(curve.seconds)))
    assert 3.8e25 / (16384 * 989.4e12 * seconds) == pytest.approx(0.405, rel=0.15)


def test_sensitivity_finds_what_matters() -> None:
    answer = Answer("electricity", 2030)
    found = sensitivities(draws=200, answers=[answer])[answer.name]
    names = [row["quantities"][0] for row in found["rows"]]
    assert "other_growth" in names[:2]
    idle = next(row for row in found["rows"] if row["quantities"] == ["pue_progress"])
    assert 0.0 <= idle["ST"] < 0.05
    rows = tornado(answer)
    assert rows[0]["quantity"] == "other_growth"
    assert rows[0]["low"] < rows[0]["middle"] < rows[0]["high"]


def test_overlap_of_ranges() -> None:
    assert overlap(1.0, 10.0, 10.0, 100.0) == 0.0
    assert overlap(2.0, 4.0, 1.0, 100.0) == 1.0
    assert overlap(1.0, 10.0, 10.0**0.5, 100.0) == pytest.approx(0.5)


def test_every_published_target_has_a_finite_check() -> None:
    from gigawatt import catalog

    found = checks_of("outlook", "monte_carlo")
    assert {check.what.split()[0] for check in found} == set(catalog.table("outlook_published"))
    assert all(np.isfinite(check.ours) and check.source for check in found)
    assert {check.what.split()[0] for check in found if check.fitted} == {"I1", "C1"}


def test_the_command_prints_json_and_writes_a_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as done:
        main(
            [
                "outlook",
                "headwinds",
                "--draws",
                "300",
                "--seed",
                "3",
                "--json",
                "--output",
                str(tmp_path / "o"),
            ]
        )
    assert done.value.code == 0
    assert json.loads(capsys.readouterr().out)["draws"] == 300
    page = (tmp_path / "o" / "outlook.html").read_text()
    assert "What binds the largest run" in page
    assert (tmp_path / "o" / "bands.csv").read_text().startswith("output,unit,year,q5")
    with pytest.raises(SystemExit):
        main(["outlook", "--draws", "300"])
    assert "binds the feasible run" in capsys.readouterr().out


def test_a_result_takes_what_makes_its_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    from functools import partial

    from gigawatt.studies.outlook import sensitivity as room

    monkeypatch.setattr(room, "ANSWERS", (Answer("electricity", 2030), Answer("feasible", 2050)))
    monkeypatch.setattr(room, "sensitivities", partial(sensitivities, draws=100))
    asked = OutlookScenario("base", years=(2024, 2035))
    result = outlook(asked, 200, 7)
    told: list[float] = []
    found = room.explained(result, asked, lambda words, share: told.append(share))
    assert list(found.sensitivities) == ["electricity 2030"]
    one = found.sensitivities["electricity 2030"]
    assert one["tornado"] == tornado(Answer("electricity", 2030), asked)
    assert 0.0 <= one["scenarios"]["share"] <= 1.0
    assert {"rows", "tornado", "scenarios"} <= set(one)
    assert result.sensitivities == {}
    assert told
