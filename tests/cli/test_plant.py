"""``gigawatt plant``: sheets, pages, lists of keys and designs, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gigawatt.power.plants.sheet import PHYSICS, physics_of
from gigawatt.studies.plant.curves import DRAWINGS

Call = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize("name", PHYSICS)
def test_a_sheet_is_printed_and_is_json(call: Call, name: str) -> None:
    code, out, err = call("plant", name)
    assert (code, err) == (0, "")
    sheet = json.loads(call("plant", name, "--json")[1])
    assert sheet["plant"] in out
    for line in sheet["lines"]:
        assert line["label"] in out
    for quantity in ("capital_cost", "capital_cost_low", "capital_cost_high", "availability", "ramp", "life"):
        assert sheet["quantities"][quantity] >= 0.0, quantity
    assert sheet["quantities"]["capital_cost_low"] <= sheet["quantities"]["capital_cost"]


@pytest.mark.parametrize("name", PHYSICS)
def test_every_curve_is_drawn_on_a_page_of_its_own(call: Call, name: str, tmp_path: Path) -> None:
    assert call("plant", name, "--output", tmp_path / "plant", "-q") == (0, "", "")
    page = (tmp_path / "plant" / "plant.html").read_text()
    physics = physics_of(name)
    for curve in physics.curves(physics.sheet()):
        assert DRAWINGS[curve][1] in page.replace("&#39;", "'"), curve
    assert json.loads((tmp_path / "plant" / "sheet.json").read_text())["design"]


@pytest.mark.parametrize("name", PHYSICS)
def test_keys_and_designs_are_listed(call: Call, name: str) -> None:
    sheet = json.loads(call("plant", name, "--json")[1])
    keys = call("plant", name, "--keys")[1]
    assert all(key in keys for key in sheet["settings"])
    designs = json.loads(call("plant", name, "--designs", "--json")[1])
    assert sheet["design"] in designs
    assert all(design in call("plant", name, "--designs")[1] for design in designs)


def test_a_setting_moves_the_sheet(call: Call) -> None:
    def of(*words: str) -> dict[str, float]:
        return json.loads(call("plant", *words, "--json")[1])["quantities"]

    assert of("fusion", "--set", "net=600MW")["unit_size"] == pytest.approx(6e8, rel=1e-3)
    near, far = of("space-solar"), of("space-solar", "--set", "launch_price=10 M$")
    assert far["capital_cost"] < near["capital_cost"]
    assert of("msr", "--set", "temperature_rate=20 K/h")["ramp"] < of("msr")["ramp"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (
            ["fusionn"],
            "no such plant; given 'fusionn'; allowed: msr, fusion, space-solar; did you mean",
        ),
        (["gas-turbine"], "without physics of its own; given 'gas-turbine'"),
        (["fusion", "--set", "net=400"], "--set net: the unit is missing"),
        (["fusion", "--set", "net=400 GW"], "--set net: outside the physical range of net electric power"),
        (["fusion", "--set", "nett=4 MW"], "--set nett: no such setting of this design"),
        (["fusion", "--set", "fuel=pb11"], "no power balance: radiation exceeds the fusion power"),
        (["space-solar", "--set", "transmit_diameter=10 m"], "the beam is wider than the rectenna"),
        (
            ["msr", "--set", "enrichment=30 %"],
            "--set enrichment: outside the physical range",
        ),
        (["msr", "--set", "burnup"], "--set: not a pair; given 'burnup'"),
        (["msr", "--design", "imsrr"], "imsr"),
    ],
)
def test_bad_input_is_one_line_and_exit_two(call: Call, words: list[str], says: str) -> None:
    code, out, err = call("plant", *words)
    assert (code, out) == (2, "")
    assert says in err
    assert err.count("\n") == 1
