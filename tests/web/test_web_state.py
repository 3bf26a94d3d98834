"""The state of the page: what is typed is read strictly, an address leniently, both come back the same."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gigawatt import catalog
from gigawatt.core.errors import InputError
from gigawatt.faces.web.form.fields import FORM_FIELDS, SIZE, fields_of, options
from gigawatt.faces.web.form.form import Control, form_of, stop_of
from gigawatt.faces.web.form.state import MOST_KEYS, Shown, State, read_address, read_form, read_values
from gigawatt.faces.web.starts import BRANCHES, DEFAULT, starts
from gigawatt.schema.fields import fields


def as_sent(state: State) -> list[tuple[str, str]]:
    """The form of a state as a browser sends it."""
    found = [("start", state.start)]
    for section in form_of(state).sections:
        for control in (*section.shown, *section.more):
            if control.kind == "many":
                found.append((control.key, ""))
                found += [(control.key, value) for value in control.chosen]
            else:
                found.append((control.key, control.text))
    return found


@pytest.mark.parametrize("start", starts())
def test_an_untouched_form_is_the_start_itself(start: str) -> None:
    assert read_form(as_sent(State(start))) == Shown(State(start))


@pytest.mark.parametrize("start", starts())
def test_every_stop_of_every_slider_can_be_read(start: str) -> None:
    state, refused = State(start), []
    for field in fields_of(state.branch).values():
        for stop in field.stops:
            try:
                changed = state.with_text(field.key, stop)
            except InputError as error:
                refused.append((field.key, stop, str(error)))
            else:
                assert changed.written(field.key) == stop
                assert stop_of(stop, field.stops) == field.stops.index(stop)
    # years outside of what may be asked, and combinations that the scenario itself refuses, are none
    assert refused == []


@pytest.mark.parametrize("start", starts())
def test_every_choice_can_be_read(start: str) -> None:
    form = as_sent(State(start))
    for key in fields_of(State(start).branch):
        for option in options(key)[:: 20 if key == "site.name" else 1]:  # of 589 places
            sent = [pair for pair in form if pair[0] != key]
            if key == "serving.objective":
                continue  # some are of another model
            if key == "supply.matching" or not option.value:
                continue
            read = read_form([*sent, (key, option.value)])
            assert read.state.written(key), key


def test_every_place_is_offered_by_country_and_every_region_by_provider() -> None:
    """And a site that is written otherwise is the one that it means; coordinates stay as they are."""

    def shown(text: str) -> Control:
        form = form_of(State().with_text("site.name", text))
        controls = [one for section in form.sections for one in section.shown]
        return next(one for one in controls if one.key == "site.name")

    site = shown("London")
    ids = [*catalog.table("sites"), *catalog.table("places"), *catalog.table("cloud_regions")]
    assert sorted(option.value for option in site.options) == sorted(ids)
    assert sum(map(len, site.groups.values())) == len(ids)  # each group stands once
    assert [one.words for one in site.groups["Ireland"]] == ["Cork", "Dublin", "Ennis"]
    assert ("us-east-1", "Regions of AWS") in [(one.value, one.group) for one in site.options]
    written = ("London", "loudoun", "eu-west-1", "51.5,-0.12")
    assert [shown(text).listed for text in written] == ["london", "virginia", "eu-west-1", ""]


def test_fields_are_keys_of_a_scenario() -> None:
    assert {field.key for field in FORM_FIELDS} - {SIZE} <= set(fields())
    assert len({(field.key, field.branch) for field in FORM_FIELDS}) == len(FORM_FIELDS)


@pytest.mark.parametrize(
    ("size", "keys"),
    [
        ("2048", {"machine.count": "2048"}),
        ("100 MW", {"machine.count": "", "machine.power": "100 MW"}),
    ],
)
def test_one_field_sizes_the_machine_whichever_key_says_it(size: str, keys: dict[str, str]) -> None:
    read = read_form([(SIZE, size)])
    assert dict(read.state.changes) == keys
    assert read.state.written(SIZE) == size
    assert read_address(parse_qsl(read.state.query(), keep_blank_values=True)).state == read.state


def test_a_served_size_may_be_a_demand_a_count_or_a_power() -> None:
    start = ("start", "serve-llama-70b-virginia")
    for size, key in (
        ("100 requests/s", "demand"),
        ("1M tokens/s", "demand"),
        ("512", "count"),
        ("5 MW", "power"),
    ):
        state = read_form([start, (SIZE, size)]).state
        section = "serving" if key == "demand" else "machine"
        assert state.written(f"{section}.{key}") == size
        state.loaded()


@pytest.mark.parametrize("start", ["llama-3.1-405b-texas", "serve-llama-70b-virginia"])
def test_a_budget_may_stand_for_the_size(start: str) -> None:
    state = read_form([("start", start), (SIZE, ""), ("economics.budget", "$50M")]).state
    assert state.written(SIZE) == ""
    assert state.loaded().scenario.economics.budget == 5e7
    with pytest.raises(InputError) as caught:
        read_form([("start", start), (SIZE, "")])
    assert caught.value.key == SIZE


@pytest.mark.parametrize(
    ("key", "text", "line"),
    [
        ("supply.carbon_limit", "5", "the unit is missing; given '5'; allowed: a number with a unit"),
        (SIZE, "many", "not a number; given 'many'; allowed: a whole number of one or more"),
        (SIZE, "", "give the machine's size as count or as power; allowed: "),
        ("year", "1990", "out of range; given 1990; allowed: 2010 to 2050"),
        ("training.tokens", "", "this key is needed"),
        ("machine.chip", "H1000", "no such name; given 'H1000'; allowed: a name of the catalog, or "),
        ("training.number_format", "fp7", "unknown value; given 'fp7'"),
    ],
)  # fmt: skip
def test_what_is_typed_wrong_is_an_error_of_its_field(key: str, text: str, line: str) -> None:
    with pytest.raises(InputError) as caught:
        read_form([(key, text)])
    assert caught.value.key == key
    assert caught.value.file is None
    assert str(caught.value).startswith(f"{key}: {line}")


def test_an_unknown_key_is_an_error_with_the_nearest() -> None:
    with pytest.raises(InputError, match=r"unknown key; did you mean 'supply\.carbon_limit'"):
        read_form([("supply.carbon_limits", "5 g/kWh")])


def test_an_address_opens_the_nearest_valid_state_and_says_what_was_dropped() -> None:
    pairs = [
        ("start", "llama-3.1-405b-texa"), ("model", "lama-3.1-70b"), ("machine.count", "4096"),
        ("supply.carbon_limit", "5"), ("site.name", "virgina"), ("colour", "red"), ("year", "1066"),
        ("machine.chip", "../../etc/passwd"), ("show.week", "winter"),
    ]  # fmt: skip
    shown = read_address(pairs)
    assert dict(shown.state.changes) == {
        "model": "llama-3.1-70b", "machine.count": "4096", "site.name": "virginia",
    }  # fmt: skip
    assert shown.settings == (("week", "winter"),)
    said = " ".join(shown.dropped)
    for word in (
        DEFAULT,
        "llama-3.1-70b",
        "virginia",
        "colour",
        "supply.carbon_limit",
        "year",
        "machine.chip",
    ):
        assert word in said, word
    assert len(shown.dropped) == 7


def test_sizes_that_exclude_each_other_leave_one() -> None:
    state = read_address([("machine.count", "512"), ("machine.power", "90 MW")]).state
    assert sum(bool(state.written(key)) for key in ("machine.count", "machine.power")) == 1


def test_too_many_keys_are_not_read() -> None:
    shown = read_address([(f"k{n}", "1") for n in range(MOST_KEYS + 5)])
    assert shown.state == State()
    assert "5 keys too many" in shown.dropped


_KEYS = st.sampled_from(
    [*(field.key for field in FORM_FIELDS), "start", "show.week", "name", "supply.limits.wind", "x"]
)


@given(st.lists(st.tuples(_KEYS, st.text(max_size=30)), max_size=6))
def test_any_address_opens_a_valid_state_that_its_own_address_opens_again(
    pairs: list[tuple[str, str]],
) -> None:
    shown = read_address(pairs)
    shown.state.loaded()
    again = read_address(parse_qsl(shown.state.query(dict(shown.settings)), keep_blank_values=True))
    assert again.state == shown.state
    assert again.dropped == ()


def test_a_value_of_the_start_is_no_change() -> None:
    state = State().with_changes({"machine.count": "16384", "supply.carbon_limit": "80 g/kWh"})
    assert state.changes == (("supply.carbon_limit", "80 g/kWh"),)
    assert state.query() == "supply.carbon_limit=80%20g/kWh"
    assert (
        State().with_changes({"supply.plants": "grid, solar, wind, battery, gas-engine, fission-small"})
        == State()
    )


def test_an_uploaded_scenario_is_the_state_that_it_says() -> None:
    values = {
        "name": "Mine", "model": "llama-3.1-8b", "training.tokens": "2T tokens", "machine.chip": "H100",
        "machine.count": 512, "site.name": "virginia", "supply.plants": ["grid", "solar"],
        "layout.sequence_parallel": True, "supply.limits.wind": "20 MW", "nobody.knows": 1,
    }  # fmt: skip
    shown = read_values(values)
    loaded = shown.state.loaded()
    assert loaded.scenario.model == "llama-3.1-8b"
    assert loaded.scenario.machine.count == 512
    assert loaded.scenario.supply.plants == ("grid", "solar")
    assert loaded.scenario.layout.sequence_parallel is True
    assert dict(loaded.scenario.supply.limits) == {"wind": 20e6}
    assert loaded.scenario.training is not None
    assert loaded.scenario.training.global_batch is None  # what the start says and the file does not is gone
    assert [said for said in shown.dropped if "nobody.knows" in said]
    extra = dict(form_of(shown.state).extra)
    assert extra["name"] == "Mine"


def test_ids_of_fields_are_their_own() -> None:
    for branch in BRANCHES:
        state = next(State(one.id) for one in starts().values() if one.branch == branch)
        ids = [c.id for section in form_of(state).sections for c in (*section.shown, *section.more)]
        assert len(set(ids)) == len(ids)
        assert all(re.fullmatch(r"[a-z0-9-]+", one) for one in ids)
