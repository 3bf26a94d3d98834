"""Scenarios side by side, and the split of their difference: exact, complete, honest about what it lacks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gigawatt import catalog
from gigawatt.chain.graph import graph_of, graph_of_branch
from gigawatt.chain.leaves import fill_leaves
from gigawatt.chain.memo import Memo
from gigawatt.chain.study import Study
from gigawatt.core.errors import InputError
from gigawatt.core.fingerprint import fingerprint
from gigawatt.core.store import save_result
from gigawatt.schema.fields import fields
from gigawatt.schema.scenario import read_scenario
from gigawatt.studies.compare.attribution import Split, attribute
from gigawatt.studies.compare.compare import Comparison, compare
from gigawatt.studies.compare.mixing import Mixer, differing, mixed

BASE = {
    "year": "2026",
    "model": "llama-3.1-8b",
    "tokens": "1T tokens",
    "batch": "4M tokens",
    "chip": "H100-SXM5-80GB",
    "count": "64",
    "machine": "",
    "layout": "{}",
    "site": "abilene-texas",
    "supply": "{plants: [grid]}",
    "economics": "{}",
}
TEXT = """\
name: {name}
year: {year}
model: {model}
training: {{tokens: {tokens}, global_batch: {batch}}}
machine: {{chip: {chip}, count: {count}{machine}}}
layout: {layout}
site: {{name: {site}}}
supply: {supply}
economics: {economics}
"""
FAST = ("training.step_time", "training.duration")

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def file(name: str, **changes: str) -> Path:
        path = tmp_path / f"{name}.yaml"
        path.write_text(TEXT.format(name=name, **{**BASE, **changes}))
        return path

    return file


def parts(found: Comparison, quantity: str) -> dict[str, float]:
    assert found.attribution is not None
    split = next(one for one in found.attribution.splits if one.quantity == quantity)
    return dict(zip((group.name for group in found.attribution.groups), split.parts, strict=True))


def test_every_key_of_a_scenario_belongs_to_one_group() -> None:
    from gigawatt.studies.compare.mixing import _GROUPS

    keys = [key for group in _GROUPS for key in group.keys]
    known = {".".join(key.split(".")[:2]) for key in fields()}  # of what is nested, the section
    left_out = [
        key
        for key in sorted(known)
        if key not in keys and key.partition(".")[0] not in keys and key not in ("name", "uncertainty")
    ]
    assert left_out == []
    assert len(keys) == len(set(keys))


def test_against_itself_nothing_differs(write: Write) -> None:
    file = write("a")
    found = compare([file, file])
    assert found.inputs == ()
    assert not [row.quantity for row in found.rows if row.differs]
    assert all(row.differences[1] in (0.0, None) for row in found.rows)
    assert found.alone == ((), ())
    assert found.attribution is not None
    assert found.attribution.groups == ()
    assert found.attribution.mixtures == 1
    for split in found.attribution.splits:
        assert split.parts == ()
        assert split.before == split.after


def test_the_ends_are_the_scenarios_themselves(write: Write) -> None:
    """Nothing chosen is the first, everything the second: leaf by leaf, in both directions."""
    a = read_scenario(write("a"))
    b = read_scenario(
        write("b", year="2030", chip="B200-SXM-180GB", count="32", site="virginia", batch="2M tokens",
              layout="{zero: 1}", supply="{plants: [grid, solar], carbon_price: 20 $/t}",
              economics="{discount_rate: 5 %}")
    )  # fmt: skip
    for one, two in ((a, b), (b, a)):
        mixer = Mixer(one, two, graph_of_branch("training"))
        for chosen, whole in ((frozenset(), one), (frozenset(g.name for g in mixer.groups), two)):
            leaves = mixer.leaves(chosen)
            wanted, _ = fill_leaves(whole)
            assert {name for name in leaves if "@" not in name} == set(wanted)
            for name, leaf in leaves.items():
                alike = wanted[name.partition("@")[0]]
                assert fingerprint(leaf.value) == fingerprint(alike.value), name


def test_a_mixture_is_the_scenario_that_a_person_would_write(write: Write) -> None:
    """The chip of the one with all else of the other, by the split's own graph and by a file."""
    a, b = (read_scenario(write(name, chip=chip, count=count, site=site)) for name, chip, count, site in (
        ("a", "H100-SXM5-80GB", "64", "abilene-texas"), ("b", "B200-SXM-180GB", "32", "virginia"),
    ))  # fmt: skip
    names = ("training.duration", "supply.electricity_cost", "ledger.run_cost")
    mixer = Mixer(a, b, graph_of_branch("training"))
    values = Memo().evaluate(mixer.graph, mixer.leaves(frozenset({"machine.chip"})), targets=names)
    got = {name: values[name].value for name in names}
    by_hand = Study.read(write("c", chip="B200-SXM-180GB")).run()
    assert got == pytest.approx({name: by_hand[name] for name in names}, rel=1e-9)


def test_parts_sum_to_the_difference_and_the_idle_get_nothing(write: Write) -> None:
    a = write("a")
    b = write("b", count="128", site="virginia", tokens="2T tokens")
    found = compare([a, b])
    assert found.attribution is not None
    assert [g.name for g in found.attribution.groups] == ["training.tokens", "machine.size", "site"]
    assert {g.name: (g.before, g.after) for g in found.attribution.groups} == {
        "training.tokens": ("1T tokens", "2T tokens"),
        "machine.size": ("64", "128"),
        "site": ("abilene-texas", "virginia"),
    }
    rows = {row.quantity: row for row in found.rows}
    for split in found.attribution.splits:
        assert sum(split.parts) == pytest.approx(split.after - split.before, rel=1e-9, abs=1e-9)
        assert split.before == pytest.approx(rows[split.quantity].values[0], rel=1e-9)
        assert split.after == pytest.approx(rows[split.quantity].values[1], rel=1e-9)
    days = parts(found, "training.duration")
    assert days["site"] == 0.0  # a null player: where it stands does not change how long it takes
    assert days["training.tokens"] > 0.0 > days["machine.size"]
    assert parts(found, "supply.electricity_cost")["training.tokens"] == pytest.approx(0.0, abs=1e-9)


def test_the_way_back_is_the_way_there_with_the_other_sign(write: Write) -> None:
    a = write("a")
    b = write("b", count="128", tokens="2T tokens", chip="H200-SXM-141GB")
    there, back = (compare(pair, outputs=FAST) for pair in ((a, b), (b, a)))
    for name in FAST:
        forth = parts(there, name)
        assert parts(back, name) == pytest.approx({k: -v for k, v in forth.items()}, rel=1e-9, abs=1e-9)


def test_tokens_alone_are_all_of_a_difference(write: Write) -> None:
    """Twice the tokens on the same machine: twice the time, and it is all theirs."""
    found = compare([write("a"), write("b", tokens="2T tokens")], outputs=["training.duration"])
    row = next(row for row in found.rows if row.quantity == "training.duration")
    assert row.ratios[1] == pytest.approx(2.0, rel=1e-9)
    assert parts(found, "training.duration")["training.tokens"] == pytest.approx(
        row.differences[1], rel=1e-12
    )


def test_the_year_is_split_by_who_reads_it(write: Write) -> None:
    a = write("a", supply="{plants: [grid, solar, battery]}")
    b = write("b", supply="{plants: [grid, solar, battery]}", year="2035")
    found = compare([a, b], outputs=["supply.electricity_cost", "training.step_time"])
    prices = parts(found, "supply.electricity_cost")
    assert all(name.startswith("year: ") for name in prices)
    assert prices["year: plants"] < 0.0  # plants get cheaper
    assert parts(found, "training.step_time")["year: plants"] == 0.0


def test_software_of_another_year_is_its_own_part(write: Write) -> None:
    one, two = (read_scenario(write(name, year=year)) for name, year in (("a", "2022"), ("b", "2026")))
    old = read_scenario(write("c", chip="A100-SXM4-80GB", year="2021"))
    new = read_scenario(write("d", chip="A100-SXM4-80GB", year="2026"))
    for first, second in ((one, two), (old, new)):
        before, after = (fill_leaves(loaded)[0]["software.stack"].value for loaded in (first, second))
        names = [group.name for group in Mixer(first, second, graph_of_branch("training")).groups]
        assert ("year: software" in names) == (fingerprint(before) != fingerprint(after))
    assert "year: software" in [group.name for group in Mixer(one, two, graph_of_branch("training")).groups]


def test_a_mixture_without_an_answer_is_told_and_passed_by(write: Write) -> None:
    """Four H100 cannot hold what 64 can: the order over that mixture is left out, parts still sum."""
    a = write("a", model="llama-3.1-8b", count="4")
    b = write("b", model="llama-3.1-70b", count="64")
    found = compare([a, b], outputs=FAST)
    split = found.attribution
    assert split is not None
    assert [names for names, _ in split.impossible] == [("model",)]
    why = split.impossible[0][1]
    assert why
    assert ".yaml" not in why
    assert "1 of 2 orders" in split.method
    for one in split.splits:
        assert sum(one.parts) == pytest.approx(one.after - one.before, rel=1e-9)
    # the one order that is left: first the machine, then the model on it
    middle = Study.read(write("m", model="llama-3.1-8b", count="64")).run()
    seconds = parts(found, "training.step_time")
    rows = {row.quantity: row for row in found.rows}
    assert seconds["machine.size"] == pytest.approx(
        middle["training.step_time"] - rows["training.step_time"].values[0], rel=1e-9
    )


def test_runs_go_with_the_machine_that_they_share(write: Write) -> None:
    """Seven runs do not divide 64 accelerators: as groups of their own no mixture would have an answer."""
    b = write("b", count="112", tokens="1T tokens, runs: 7")
    found = compare([write("a"), b], outputs=["training.tokens_per_step"])
    assert found.attribution is not None
    assert [g.name for g in found.attribution.groups] == ["machine.size"]
    assert found.attribution.impossible == ()


def test_mixtures_far_outside_of_both_are_told() -> None:
    near = Split("q", "s", "", 10.0, 12.0, (1.0, 1.0), None, 9.0, 100.0)
    assert not near.strays
    assert Split("q", "s", "", 10.0, 12.0, (1.0, 1.0), None, 9.0, 130.0).strays
    assert Split("q", "s", "", -10.0, 12.0, (1.0, 1.0), None, -130.0, 12.0).strays
    assert not Split("q", "s", "", 0.0, 0.0, (0.0,), None, 0.0, 5.0).strays


def test_more_than_six_groups_are_sampled_with_an_error(write: Write) -> None:
    a = read_scenario(write("a"))
    b = read_scenario(
        write("b", model="llama-3.1-70b", tokens="2T tokens", batch="8M tokens", chip="H200-SXM-141GB",
              count="128", machine=", power_cap: 600 W, stack: llama3-2024", site="virginia")
    )  # fmt: skip
    assert len(differing(a, b)) == 8
    cheap = ["model.training_flops", "machine.design_power"]
    runs = [attribute(a, b, outputs=cheap, orders=4, seed=seed) for seed in (1, 1)]
    assert runs[0] == runs[1]
    assert "4 sampled orders of 8 groups, seed 1" in runs[0].method
    names = [group.name for group in runs[0].groups]
    for split in runs[0].splits:
        assert sum(split.parts) == pytest.approx(split.after - split.before, rel=1e-9)
        assert split.errors is not None
        assert all(np.isfinite(split.errors))
        assert split.parts[names.index("site")] == split.errors[names.index("site")] == 0.0
    flops, power = (dict(zip(names, split.parts, strict=True)) for split in runs[0].splits)
    # parameters times tokens: two factors, whose halves a pair of orders gives exactly
    assert flops["model"] > 0.0 < flops["training.tokens"]
    assert flops["machine.chip"] == power["model"] == 0.0


def test_a_stored_result_is_read_and_its_scenario_run_again(write: Write, tmp_path: Path) -> None:
    a, b = write("a"), write("b", count="128")
    folder = save_result(Study.read(a).run(), tmp_path / "stored")
    fresh, stored = compare([a, b]), compare([folder, b])
    assert stored.attribution is not None
    assert fresh.attribution is not None
    assert stored.attribution.splits == fresh.attribution.splits
    assert stored.said == ()
    a.write_text(a.read_text() + "# changed since\n")
    gone = compare([folder, b])
    assert gone.attribution is None
    assert "was changed since" in gone.said[-1]
    a.unlink()
    gone = compare([folder, b])
    assert "is not there" in gone.said[-1]
    assert [row.values for row in gone.rows] == [row.values for row in stored.rows]
    assert {row.quantity for row in gone.inputs} == {"machine.size"}


def test_more_than_two_stand_side_by_side_only(write: Write) -> None:
    found = compare([write("a"), write("b", count="128"), write("c", tokens="2T tokens")])
    assert found.attribution is None
    assert any("give two" in told for told in found.said)
    row = next(row for row in found.rows if row.quantity == "training.duration")
    assert row.ratios == pytest.approx((1.0, row.values[1] / row.values[0], 2.0), rel=1e-9)
    assert {row.quantity for row in found.inputs} == {"machine.size", "training.tokens"}


def test_notices_of_one_are_told(write: Write) -> None:
    found = compare([write("a"), write("b", year="2020")], split=False)
    assert any("not sold before" in told for told in found.alone[1])
    assert not any("not sold before" in told for told in (*found.alone[0], *found.shared))
    assert any("as asked" in told for told in found.said)


def test_training_beside_serving_is_side_by_side_only(write: Write) -> None:
    train = write("a")
    serve = write("s")
    serve.write_text(
        "model: llama-3.1-8b\nserving: {demand: 5 requests/s, prompt: 512, output: 128, weights: fp8,\n"
        "  simulated_requests: 300, objective: 'ttft=2s,tpot=100ms,p90'}\nmachine: {chip: H100-SXM5-80GB}\n"
        "site: {name: abilene-texas}\nsupply: {plants: [grid]}\n"
    )
    with pytest.raises(InputError, match="no mixture"):
        attribute(read_scenario(train), read_scenario(serve))
    folders = [save_result(Study.read(file).run(), file.with_suffix("")) for file in (train, serve)]
    found = compare(folders)
    assert found.attribution is None
    assert any("side by side only" in told for told in found.said)
    rows = {row.quantity: row for row in found.rows}
    assert rows["training.duration"].values[1] is None
    assert rows["serving.replicas"].values[0] is None
    assert rows["facility.pue"].ratios[1] is not None
    both = compare([folders[1], folders[1]], outputs=["serving.replicas"])
    assert both.attribution is not None
    assert both.attribution.groups == ()


def test_files_are_found_from_wherever_a_scenario_lies(write: Write, tmp_path: Path) -> None:

    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    source = catalog.path("models/" + catalog.entity("models", "llama-3.1-8b").text("file"))
    (tmp_path / "one" / "model.json").write_text(source.read_text())
    changed = json.loads(source.read_text()) | {"num_hidden_layers": 16}
    (tmp_path / "two" / "model.json").write_text(json.dumps(changed))
    files = [write(name, model="model.json", count=count) for name, count in (("a", "64"), ("b", "128"))]
    moved = [
        file.rename(tmp_path / name / file.name) for file, name in zip(files, ("one", "two"), strict=True)
    ]
    found = compare(moved, outputs=FAST)
    assert found.attribution is not None
    assert [g.name for g in found.attribution.groups] == ["model", "machine.size"]
    assert parts(found, "training.duration")["model"] < 0.0
    half = mixed(*map(read_scenario, moved), [found.attribution.groups[0]])
    assert half.scenario.model == str(moved[1].parent / "model.json")
    assert half.scenario.machine.count == 64


@pytest.mark.parametrize("name", ["training.durationn", "model.architecture", "machine.machine"])
def test_an_output_that_cannot_be_split_is_one_line(write: Write, name: str) -> None:
    with pytest.raises(InputError) as told:
        compare([write("a"), write("b", count="128")], outputs=[name])
    assert "\n" not in str(told.value)
    assert name in str(told.value)


def test_the_json_says_it_all(write: Write) -> None:
    document = compare([write("a"), write("b", count="128")], outputs=FAST).to_json()
    text = json.dumps(document, allow_nan=False)
    assert json.loads(text) == document
    (first, second) = document["attribution"]["quantities"]
    assert first["quantity"] == "training.step_time"
    assert sum(second["parts"]) == pytest.approx(second["difference"])
    assert document["scenarios"][0]["does"] == "training"
    assert all(len(row["values"]) == 2 for row in document["quantities"])
    assert graph_of(read_scenario(write("x"))) is graph_of_branch("training")
