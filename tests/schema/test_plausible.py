"""A slip of a unit or of a comma is an error that says the mend; what is only unusual is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from gigawatt.core.errors import InputError
from gigawatt.core.quantities import parse
from gigawatt.schema.changed import scenario_of
from gigawatt.schema.fields import FIELDS
from gigawatt.schema.plausible import check_plausible, implausible
from gigawatt.schema.scenario import LoadedScenario, read_scenario

BASE: dict[str, object] = {
    "model": "llama-3.1-8b", "training.tokens": "1T tokens", "machine.chip": "H100", "machine.count": 64,
    "site": "virginia",
}  # fmt: skip


def loaded(**changes: object) -> LoadedScenario:
    return scenario_of(BASE | {key.replace("__", "."): value for key, value in changes.items()}, Path("q"))


@pytest.mark.parametrize("text", ["1,5 MW", "1,50 MW", "12,3456 MW", "1,2,3 MW", ",5 MW", "1,5e3 MW"])
def test_a_comma_that_could_be_a_decimal_one_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"comma that could be a decimal|not a quantity"):
        parse(text, "W")


@pytest.mark.parametrize(
    ("text", "watts"), [("1,500 MW", 1.5e9), ("1,500,000 W", 1.5e6), ("12,345.6 kW", 12345.6e3)]
)
def test_groups_of_three_digits_are_read(text: str, watts: float) -> None:
    assert parse(text, "W") == pytest.approx(watts)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"training__tokens": "15.6 tokens"}, "did you mean '15.6 T tokens or"),
        ({"machine__count": None, "machine__power": "300 mW"}, "did you mean '300 MW or"),
        ({"supply__grid__price": "60 $/kWh"}, "did you mean '60 \\$/MWh'"),
        ({"supply__carbon_limit": "100 kg/kWh"}, "did you mean '100 g/kWh or"),
        ({"economics__chip_life": "500 years"}, "given '500 yr'; allowed: 1..15 yr"),
        ({"supply__carbon_price": "2025: 50 $/t, 2030: 60 $/kg"}, "did you mean '60 \\$/t or"),
        ({"supply__limits": {"gas-turbine": "5000 GW"}}, "given '5 TW'"),
    ],
)
def test_a_unit_that_slipped_is_an_error_with_the_mend(changes: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=f"far outside of anything there is; .*{said}"):
        loaded(**changes)


@pytest.mark.parametrize(
    ("key", "given", "most"),
    [("supply__fuel_stock", "400 days", "365 days"), ("supply__grid__nonfirm", "9000 h", "8760 h")],
)
def test_a_bound_is_said_in_the_unit_that_was_given(key: str, given: str, most: str) -> None:
    with pytest.raises(InputError, match=f"out of range; given '{given}'; allowed: at most {most}"):
        loaded(**{key: given})


def test_what_is_only_unusual_is_said_and_answered() -> None:
    found = loaded(economics__chip_price="30 $", supply__grid__price="900 $/MWh")
    assert len(found.notices) == 2
    assert "economics.chip_price of 30 $ is outside of 100..200000 $" in found.notices[1]
    assert loaded().notices == ()


def test_every_example_is_plausible_and_every_range_has_ends_that_are_not_refused() -> None:
    for one in FIELDS:
        if not one.plausible or one.kind != "quantity":
            continue
        low, high, unit = (*one.plausible.split(" ")[0].split(".."), one.plausible.partition(" ")[2] or "1")
        for end in (low, high):
            value = parse(f"{float(end):.17g} {unit if unit != '1' else ''}".strip(), one.unit)
            check_plausible([(one.key, value)], Path("q"), {})
            assert implausible([(one.key, value)]) == ()


@pytest.mark.parametrize(
    ("line", "key", "number"),
    [
        ("machine: {chip: H100, count: 10,000}", "machine.count", "10,000"),
        ("training: {tokens: 1,000B tokens}", "training.tokens", "1,000B tokens"),
        ("machine: {chip: H100, power: 1,5 MW}", "machine.power", "1,5 MW"),
    ],
)
def test_a_comma_in_a_number_between_braces_is_named(
    tmp_path: Path, line: str, key: str, number: str
) -> None:
    """YAML reads it as a key of its own."""
    file = tmp_path / "comma.yaml"
    file.write_text(f"model: llama-3.1-8b\n{line}\n")
    with pytest.raises(InputError, match="a comma between braces begins a new key") as error:
        read_scenario(file)
    assert (error.value.key, error.value.given, error.value.line) == (key, number, 2)


def test_a_load_may_be_a_file_of_its_hours() -> None:
    assert loaded(load="campus.csv").scenario.load.hours == "campus.csv"
    assert loaded(load="300 MW").scenario.load.peak == 3e8
