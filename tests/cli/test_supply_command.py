"""``gigawatt plan-supply`` and ``validate supply``: what they print, write and refuse."""

from __future__ import annotations

import csv
import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from gigawatt.studies.supply.figures import FIGURES
from gigawatt.validation import validate
from gigawatt.validation.check import Check
from gigawatt.validation.published import parts_of

ROOT = Path(__file__).parent.parent.parent
GUIDE = ROOT / "docs" / "plan-supply.md"
SMALL = ("texas", "--load", "10MW", "--year", "2030", "--plants", "grid,solar,battery")
Call = Callable[..., tuple[int, str, str]]


def test_the_terminal_says_it_all(call: Call) -> None:
    code, out, err = call("plan-supply", *SMALL, "--carbon", "200 g/kWh", "--flexible", "10%:60$/MWh")
    assert (code, err) == (0, "")
    for words in (
        "/MWh", "at their low and high ends", "at most 200 g/kWh of carbon", "L/kWh", "curtailed",
        "load cut per year", "hours of scarcity", "grid connection", "Binding limits", "the carbon limit",
        "Order by", "assumed supply.not_served_price",
    ):  # fmt: skip
        assert words in out, words
    assert max(map(len, out.splitlines())) <= 230


def test_json_is_the_documented_one(call: Call) -> None:
    code, out, err = call(
        "plan-supply", *SMALL, "--json", "--cooling", "water-cooled-chiller-tower", "--profile", "serving"
    )
    assert (code, err) == (0, "")
    answer = json.loads(out, parse_constant=lambda text: pytest.fail(text))
    table = GUIDE.read_text().split("## The JSON")[1]
    keys = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (.*?) \|", table, re.M))))
    assert set(answer) == keys - {"near", "bill", "clean_share_market_based", "sold_GWh"}  # of other options
    told = set(re.findall(r"`(\w+)`", table))
    for row in (answer["plants"][0], answer["months"][0], answer["price_USD_per_MWh"], answer["price_hours"],
                answer["building"], answer["assumptions"][0]):  # fmt: skip
        assert set(row) <= told
    assert answer["building"]["pue"] > 1.0
    assert answer["load_mean_MW"] > answer["building"]["it_peak_MW"] * 0.5


def test_the_folder(call: Call, tmp_path: Path) -> None:
    folder = tmp_path / "plan"
    code, out, err = call("plan-supply", *SMALL, "--output", folder)
    assert (code, err) == (0, "")
    assert "plan.html" in out
    assert {file.name for file in folder.iterdir()} == {
        "plan.json", "plan.html", "plan.md", "study.json", "plants.csv", "months.csv", "hourly.csv"
    }  # fmt: skip
    page = (folder / "plan.html").read_text()
    assert page.count('<figure class="drawn">') == len(FIGURES) - 1  # all but that of --near
    assert "10 MW at Abilene, Texas in 2030" in page
    answer = json.loads((folder / "plan.json").read_text())
    with (folder / "hourly.csv").open() as stream:
        hours = list(csv.DictReader(stream))
    assert len(hours) == 8760
    grid = next(row for row in answer["plants"] if row["id"] == "grid")
    assert sum(float(row["grid"]) for row in hours) / 1e3 == pytest.approx(grid["energy_GWh"], rel=1e-3)
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("texsa", "--load", "1GW"), "SITE: no such site; given 'texsa'; .*did you mean 'abilene-texas'"),
        (("australia", "--load", "1GW"), "SITE: several sites have these words"),
        (("texas",), "--load: the load is missing"),
        (("texas", "--load", "1"), "--load: the unit is missing"),
        (("texas", "--load", "-1GW"), "--load: out of range; given '-1GW'; allowed: more than 0"),
        (("texas", "--load", "1GW", "--plants", "grid,sollar"), "--plants: no such plant; .*'solar'"),
        (("texas", "--load", "1GW", "--plants", "al"), "allowed: all alone, or grid, .*did you mean 'all'"),
        (("texas", "--load", "1GW", "--plants", "battery"), "--plants: no plant here makes electricity"),
        (("texas", "--load", "1GW", "--plants", "grid", "--limit", "grid=300MW"),
         "--limit: the load exceeds the sum of all limits: its mean is 1 GW, .* 299.* too little"),
        (("texas", "--load", "1GW", "--plants", "grid", "--limit", "wind=300MW"),
         "--limit: a limit on a plant"),
        (("texas", "--load", "1GW", "--limit", "grid"), "--limit: not a pair"),
        (("texas", "--load", "1GW", "--plants", "grid", "--carbon", "20 g/kWh"),
         "--carbon: the carbon limit of 20 g/kWh cannot be met .* g/kWh too much"),
        (("texas", "--load", "1GW", "--plants", "grid,hydro"),
         "--plants: .* allowed: .*--capacity-factor hydro=FILE"),
        (("texas", "--load", "1GW", "--carbon", "20"), "--carbon: the unit is missing"),
        (("texas", "--load", "1GW", "--reliability", "110%"), "--reliability: not a share"),
        (("texas", "--load", "1GW", "--matching", "hourli"), "--matching: .*did you mean 'hourly'"),
        (("texas", "--load", "1GW", "--profile", "flatt"), "--profile: .*did you mean 'flat'"),
        (("texas", "--load", "1GW", "--flexible", "10%"), "--flexible: not a flexible load"),
        (("texas", "--load", "1GW", "--deferrable", "20%:6"), "--deferrable: the unit is missing"),
        (("texas", "--load", "1GW", "--year", "1900"), "--year: out of range"),
        (("texas", "--load", "1GW", "--cooling", "fan"), "--cooling: no such entry"),
        (("texas", "--load", "1GW", "--output", "/dev/null"), "--output: "),
    ],
)  # fmt: skip
def test_bad_input_is_one_line(call: Call, words: tuple[str, ...], said: str) -> None:
    code, out, err = call("plan-supply", *words)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert re.search(said, err), err


def shown() -> list[str]:
    """Commands of the guide."""
    blocks = re.findall(r"^```\n(.*?)^```$", GUIDE.read_text(), re.M | re.S)
    return [
        line for block in blocks for line in block.splitlines() if line.startswith("gigawatt plan-supply")
    ]


@pytest.mark.parametrize("command", shown())
def test_commands_of_the_guide_run(call: Call, command: str) -> None:
    code, out, err = call(*shlex.split(command)[1:])
    assert (code, err) == (0, "")
    assert out


def test_validate_supply_is_the_checks_of_its_parts(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    checks = (
        Check("resource", "a thing", 1.01, 1.0, "1", 0.02, "somebody"),
        Check("plan", "another", 2.0, 1.0, "MW", 0.5, "somebody else", fitted=True),
    )
    from gigawatt.validation import published

    monkeypatch.setattr(published, "checks_of", lambda _, part: [c for c in checks if c.part == part])
    code, out, err = call("validate", "supply", "--json")
    assert (code, err) == (0, "")
    answer = json.loads(out)
    assert (answer["rows"], answer["passed"], answer["judging"]) == (2, 1, 1)
    assert [group["judging_passed"] for group in answer["groups"]] == [1, 0]
    assert [row["ok"] for row in answer["checks"]] == [True, False]
    code, out, err = call("validate", "supply")
    assert (code, err) == (0, "")
    assert "1 of 2 within their tolerance" in out
    code, out, err = call("validate", "supply", "--rows", "x.csv")
    assert code == 2
    assert "takes no rows" in err


@pytest.mark.apart
def test_every_part_gives_checks_of_a_named_source() -> None:
    done: list[tuple[int, int]] = []
    card = validate("supply", progress=lambda number, all_: done.append((number, all_)))
    assert done[-1] == (len(parts_of("supply")), len(parts_of("supply")))
    for check in card.checks or ():
        assert check.source, check.what
        assert check.tolerance > 0.0 or check.published == 0.0, check.what  # one side is bounded
