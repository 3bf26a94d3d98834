"""Machines of several substrates: who takes what, limits in which they are one part, silicon, refusals."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gigawatt.catalog import loader
from gigawatt.chain.machine.hybrids import needs
from gigawatt.core.errors import InputError, MissingDataError
from gigawatt.machine.load import build_cluster, load_chip
from gigawatt.performance.serving.engines import load_engine
from gigawatt.performance.serving.inference import Replica, check_used
from gigawatt.performance.serving.inference import token_cost as step_cost
from gigawatt.performance.serving.memory import cells_lacking, check_fits, holding
from gigawatt.performance.serving.tables import step_tables
from gigawatt.technology import Efficiency, technology
from gigawatt.technology.composition import GROUPS, group_of, parts
from gigawatt.technology.digital.gpu import Gpu
from gigawatt.technology.hybrid import machine as room
from gigawatt.technology.hybrid.machine import machine_of
from gigawatt.technology.mapper import places, runs_on
from gigawatt.technology.products import product_of
from gigawatt.technology.registry import load_substrate
from gigawatt.technology.rollup import BASE, token_cost
from gigawatt.technology.substrate import Substrate
from gigawatt.workload import read_architecture
from gigawatt.workload.inference import Shares, token_operations

CHIP = load_chip("mixed-2035")
LLAMA = read_architecture("llama-3.1-8b")
MIXED = read_architecture("mixtral-8x7b")
PLAIN = Efficiency()


def hybrid(**groups: str) -> Substrate:
    return Substrate("x", "x", "hybrid", {**dict.fromkeys(GROUPS, "digital"), **groups})


def replica(tensor: float, chip: str = "mixed-2035") -> Replica:
    cluster, _ = build_cluster(chip=chip, count=1024)
    return Replica(LLAMA, cluster, load_engine("vllm-2025"), Shares.of(tensor=tensor), np.asarray(1.0))


def layer(tokens: float):
    return token_operations(LLAMA, LLAMA.blocks[0], tokens=np.asarray(tokens), shares=Shares.of())


def test_every_product_of_a_model_belongs_to_a_group() -> None:
    for model in (LLAMA, MIXED, read_architecture("deepseek-v3")):
        for one in places(BASE, model):
            op = one.work.operation
            product = op.kind != "memory" and not op.name.startswith("head")
            assert (group_of(op) in GROUPS) is product, op.name


def test_a_hybrid_of_nothing_is_its_host_and_one_of_a_single_part_is_that_part() -> None:
    nothing = token_cost(hybrid(), LLAMA, chip="H100")
    base = token_cost(BASE, LLAMA, chip="H100")
    assert nothing.joules("system") == pytest.approx(base.joules("system"), rel=1e-9)
    assert nothing.mapped_energy == 0.0
    pcm = token_cost(load_substrate("pcm"), LLAMA, chip="H100", tensor=1)
    both = token_cost(hybrid(projections="pcm", feed_forward="pcm"), LLAMA, {}, chip="H100", tensor=1)
    assert both.mapped_operations == pytest.approx(pcm.mapped_operations)
    assert both.step_time == pytest.approx(pcm.step_time)
    assert both.energy["fallback"] == pytest.approx(pcm.energy["fallback"])
    assert both.area == pytest.approx(pcm.area)


def test_groups_go_where_the_machine_sends_them_and_the_rest_says_why() -> None:
    mixed = hybrid(feed_forward="pcm", experts="rram", gate="flash", attention="pcm")
    by = {one.work.operation.name: one for one in places(mixed, MIXED)}
    assert by["experts"].by is not None
    assert by["experts"].by.id == "rram"
    assert by["router"].by is not None
    assert by["attention.qkv"].by is None
    assert "stay with the host" in by["attention.qkv"].reason
    assert by["attention.decode"].by is None  # PCM cannot multiply two activations
    assert "activations" in by["attention.decode"].reason
    assert by["norm"].by is None


def test_what_runs_on_a_substrate_costs_what_its_own_face_says() -> None:
    one = next(op for op in layer(1.0) if op.name == "mlp.down")
    part, _ = runs_on(machine_of(CHIP.id).substrate, one)
    assert part is not None
    machine = machine_of(CHIP.id)
    made, mine = (
        product_of(one, part, machine.statistics(part), chip=CHIP),
        technology("hybrid").cost(one, CHIP, PLAIN),
    )
    assert float(mine.arithmetic) == pytest.approx(float(made.time))
    ours = sum(float(np.sum(x)) for x in mine.energy.values())
    theirs = sum(float(np.sum(x)) for x in made.energy.values())
    assert ours == pytest.approx(machine.joules * theirs, rel=1e-12)
    assert float(mine.active) == 0.0


def test_a_prompt_goes_to_the_host_where_that_is_sooner_and_a_machine_is_never_slower() -> None:
    tokens = np.array([1.0, 8.0, 64.0, 512.0, 4096.0])
    one = next(
        op
        for op in token_operations(LLAMA, LLAMA.blocks[0], tokens=tokens, shares=Shares.of())
        if op.name == "mlp.up"
    )
    mine, host = technology("hybrid").cost(one, CHIP, PLAIN), Gpu().cost(one, CHIP, PLAIN)
    assert np.all(mine.time <= host.time * (1 + 1e-12))
    assert mine.active[0] == 0.0
    assert mine.active[-1] == 1.0
    assert np.all(np.diff(mine.active) >= 0.0)


def test_training_is_the_hosts_alone() -> None:
    trains = technology("hybrid", training=True)
    for op in layer(64.0):
        assert trains.lacks(op, CHIP) is not None
        assert float(np.sum(trains.cost(op, CHIP, PLAIN).time)) == float(
            np.sum(Gpu().cost(op, CHIP, PLAIN).time)
        )


def test_cells_must_hold_the_weights_that_stay_written(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = machine_of(CHIP.id)
    short = replace(machine, area=machine.area_needed(LLAMA) / 2.0 * 0.999)
    monkeypatch.setattr(room, "machine_of", lambda chip: short)
    assert float(np.max(cells_lacking(replica(2.0)))) > 0.0
    assert float(holding(replica(2.0), 1024.0)) == 0.0
    with pytest.raises(InputError, match="mm² short"):
        check_fits(replica(2.0))
    assert float(np.max(cells_lacking(replica(4.0)))) == 0.0
    check_fits(replica(4.0))
    assert float(np.max(cells_lacking(replica(1.0, "H100")))) == 0.0


def test_denser_cells_need_less_silicon_and_hold_the_same_weights() -> None:
    machine = machine_of(CHIP.id)
    denser = replace(machine, density=2.0 * machine.density)
    assert denser.area_needed(LLAMA) == pytest.approx(machine.area_needed(LLAMA) / 2.0)
    assert denser.weights(LLAMA) == machine.weights(LLAMA) > 0.0
    p = MIXED.parameters
    every = replace(
        machine, substrate=hybrid(feed_forward="pcm", experts="pcm", projections="pcm", gate="pcm")
    )
    assert every.weights(MIXED) == pytest.approx(p.attention + p.feed_forward + p.experts + p.router)


def test_a_step_on_a_machine_beside_its_host(monkeypatch: pytest.MonkeyPatch) -> None:
    mixed = step_cost(replica(1.0), np.array([1.0]))
    empty = replace(machine_of(CHIP.id), substrate=hybrid(), area=0.0)
    monkeypatch.setattr(room, "machine_of", lambda chip: empty)
    host = step_cost(replica(1.0), np.array([1.0]))
    assert float(mixed.time[0]) < float(host.time[0])
    assert float(mixed.energy[0]) < float(host.energy[0])


def test_bad_machines_are_refused() -> None:
    with pytest.raises(InputError) as wrong:
        parts(hybrid(feed_forward="pmc"))
    assert wrong.value.key == "x.feed_forward"
    with pytest.raises(InputError, match="hybrid of a hybrid"):
        parts(hybrid(feed_forward="mixed-2035"))
    with pytest.raises(InputError, match="group"):
        parts(Substrate("x", "x", "hybrid", {"mlp": "pcm"}))
    with pytest.raises(InputError, match="not a hybrid"):
        parts(BASE)
    with pytest.raises(MissingDataError):
        machine_of("H100-SXM5-80GB")


def test_silicon_that_leaks_adds_to_what_a_chip_takes_idle() -> None:
    events = machine_of("neuromorphic-2045")
    leaking = load_substrate("event-2040-ttfs-t31")
    from gigawatt.technology.neuromorphic import cores as neuromorphic

    one = 4096.0
    silicon = float(np.sum(neuromorphic.area(leaking, n=one, k=one)))
    watts = float(np.sum(neuromorphic.standing_power(leaking, n=one, k=one)))
    assert events.standing_power == pytest.approx(events.area * events.density / silicon * watts, rel=1e-9)
    assert load_chip("neuromorphic-2045").idle_power > events.standing_power
    assert machine_of("mixed-2035").standing_power > 0.0  # its router's cores


def test_silicon_that_leaks_is_counted_once() -> None:
    """A machine's chip waits with its cells; beside another chip the cells of the model wait."""
    own = load_substrate("neuromorphic-2045")
    chip = load_chip("neuromorphic-2045")
    made = token_cost(own, LLAMA, chip=chip, tensor=1)
    assert made.energy["idle"] == pytest.approx(chip.idle_power * made.step_time, rel=1e-12)
    beside = token_cost(own, LLAMA, chip="H100", tensor=1)
    assert beside.energy["idle"] > load_chip("H100").idle_power * beside.step_time


def test_the_host_has_a_copy_of_all_weights() -> None:
    large = read_architecture("llama-3.1-70b")
    mixed = hybrid(projections="pcm", feed_forward="pcm")
    assert token_cost(mixed, large, chip="H100").chips == token_cost(BASE, large, chip="H100").chips == 2.0


@pytest.fixture
def overlay(tmp_path: Path) -> Iterator[Callable[[str], None]]:
    """Lay a user's row of ``hybrids`` with a photonic machine over the catalog."""

    def lay(row: str) -> None:
        (tmp_path / "substrates.csv").write_text(
            "id,name,technology,projections,feed_forward,experts,gate,attention\n"
            "light,light,hybrid,photonic-crossbar,photonic-crossbar,photonic-crossbar,digital,photonic-crossbar\n"
        )
        (tmp_path / "hybrids.csv").write_text(
            "id,substrate,today,area [mm^2],density [],joules [],grade,source_id,locator,note\n" + row
        )
        loader.use_user_catalog(tmp_path)

    before = loader.user_folder()
    yield lay
    loader.use_user_catalog(before)


@pytest.mark.parametrize(("area", "density", "key"), [("6000", "1", "area"), ("0", "30", "density")])
def test_cells_of_a_machine_in_which_nothing_stays_written_are_refused(
    overlay: Callable[[str], None], area: str, density: str, key: str
) -> None:
    overlay(f"mixed-2035,light,photonic-crossbar,{area},{density},1,guess,hybrid-judgement,,\n")
    with pytest.raises(InputError, match="nothing of this machine stays written") as refused:
        load_chip("mixed-2035")
    assert (refused.value.file, refused.value.key) == ("hybrids.csv", f"mixed-2035.{key}")


def test_a_machine_whose_host_takes_every_product_is_refused_by_name(overlay: Callable[[str], None]) -> None:
    """A photonic overlay answered its host's numbers to the digit."""
    overlay("mixed-2035,light,photonic-crossbar,0,1,1,guess,hybrid-judgement,,\n")
    cluster, _ = build_cluster(chip="mixed-2035", count=64)
    light = Replica(LLAMA, cluster, load_engine("vllm-2025"), Shares.of(), np.asarray(1.0))
    with pytest.raises(InputError, match=r"photonic-crossbar takes no product of llama-3\.1-8b") as refused:
        step_tables(light)
    assert refused.value.key == "machine.chip"


def test_machines_that_take_something_are_not_refused() -> None:
    for chip in ("mixed-2035", "neuromorphic-2045", "H100"):
        check_used(replica(1.0, chip), 4096.0)


def test_needs_of_a_machine_without_cells(overlay: Callable[[str], None]) -> None:
    overlay("mixed-2035,light,photonic-crossbar,0,1,1,guess,hybrid-judgement,,\n")
    assert not [one for one in needs("mixed-2035", LLAMA) if "write" in one.what]
