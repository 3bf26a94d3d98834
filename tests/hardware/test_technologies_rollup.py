"""The mapper and the roll-up: every weight counted once, reasons, scopes, Amdahl, what does not fit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt.core.errors import InfeasibleError, InputError, MissingDataError
from gigawatt.machine.load import load_chip
from gigawatt.technology import registry, rollup
from gigawatt.technology.interface import Product
from gigawatt.technology.mapper import places, reason_of, share_mapped
from gigawatt.technology.multiplier import Multiplier
from gigawatt.technology.registry import registered
from gigawatt.technology.rollup import (
    BASE,
    chips_needed,
    energy_share,
    fallback_cost,
    token_cost,
)
from gigawatt.technology.substrate import Figure, Substrate
from gigawatt.technology.token import CHIP_SCOPE, SYSTEM_SCOPE
from gigawatt.technology.work import decode_work
from gigawatt.workload import read_architecture

LLAMA = read_architecture("llama-3.1-8b")
MIXTRAL = read_architecture("mixtral-8x7b")
H100 = load_chip("H100")
TILES = Substrate("tiles", "tiles", "analog", {"attention": "digital"})


def digital(**settings: float | str) -> Substrate:
    return Substrate("test", "test", "digital", settings)


def test_every_weight_of_a_dense_model_is_read_once_a_step() -> None:
    p = LLAMA.parameters
    read = sum(float(work.weights) * work.count for work in decode_work(LLAMA) if work.linear)
    assert read == p.attention + p.feed_forward + p.head


def test_a_mixture_reads_only_the_experts_it_visits() -> None:
    read = sum(float(work.weights) * work.count for work in decode_work(MIXTRAL) if work.linear)
    assert read == pytest.approx(MIXTRAL.active_parameters, rel=0.03)
    many = sum(float(w.weights) * w.count for w in decode_work(MIXTRAL, batch=64.0) if w.linear)
    assert read < many < MIXTRAL.parameters.total


def test_keys_and_values_are_counted() -> None:
    # Llama 3.1 8B keeps 32 layers × 8 heads × 128 × 2 numbers a token.
    kept = sum(float(work.cache) * work.count for work in decode_work(LLAMA, batch=3.0, context=99.0))
    assert kept == 3 * 100 * 32 * 8 * 128 * 2


def test_tiles_keep_products_by_weights_and_leave_the_rest() -> None:
    placed = {one.work.operation.name: one for one in places(TILES, LLAMA)}
    on = {name for name, one in placed.items() if one.on_substrate}
    assert on == {"attention.qkv", "attention.output", "mlp.up", "mlp.down"}
    assert all(one.reason for one in placed.values())
    assert "two activations" in placed["attention.decode"].reason
    cells = replace(TILES, settings={"attention": "gain-cell"})
    assert reason_of(cells, placed["attention.decode"].work.operation)[0]
    router = {one.work.operation.name: one for one in places(TILES, MIXTRAL)}
    assert not any(one.on_substrate for name, one in router.items() if name.startswith("router"))
    assert router["experts"].on_substrate
    assert all(one.on_substrate for one in places(BASE, MIXTRAL))


@pytest.mark.parametrize("batch", [1.0, 64.0])
def test_parts_add_up_and_scopes_nest(batch: float) -> None:
    made = token_cost(digital(weights="fp8_e4m3", activations="fp8_e4m3"), LLAMA, chip=H100, batch=batch)
    assert made.joules("system") == pytest.approx(sum(made.energy.values()), rel=1e-12)
    assert set(made.energy) == set(SYSTEM_SCOPE)
    assert set(CHIP_SCOPE) < set(SYSTEM_SCOPE)
    assert 0.0 < made.joules("macro") < made.joules("chip") < made.joules("system")
    assert made.step_time == pytest.approx(sum(made.time.values()) * batch, rel=1e-12)
    idle = H100.idle_power * made.step_time / batch
    assert made.energy["idle"] == pytest.approx(idle, rel=1e-12)
    assert made.amdahl is None  # all of it runs on the chip
    assert made.mapped_energy == pytest.approx(1.0, rel=1e-12)


def test_weights_cost_their_bytes_once_a_step() -> None:
    made = token_cost(BASE, LLAMA, chip=H100)
    p = LLAMA.parameters
    read = (p.attention + p.feed_forward + p.head) * 2.0 * H100.energy_byte["dram"]
    assert made.energy["weights"] == pytest.approx(read, rel=1e-12)
    eight = token_cost(BASE, LLAMA, chip=H100, batch=8.0)
    assert eight.energy["weights"] == pytest.approx(read / 8.0, rel=1e-12)


@given(batch=st.integers(1, 256), context=st.integers(0, 4096))
@settings(deadline=None, max_examples=25, derandomize=True)
def test_more_sequences_take_less_a_token_and_more_tokens_behind_take_more(batch: int, context: int) -> None:
    one = token_cost(BASE, LLAMA, chip=H100, batch=float(batch), context=float(context), tensor=1)
    more = token_cost(BASE, LLAMA, chip=H100, batch=float(batch + 1), context=float(context), tensor=1)
    longer = token_cost(BASE, LLAMA, chip=H100, batch=float(batch), context=context + 64.0, tensor=1)
    assert more.joules("macro") + more.energy["weights"] < one.joules("macro") + one.energy["weights"]
    assert longer.energy["cache"] > one.energy["cache"]


def test_fewer_bits_never_take_more_bytes_of_a_token() -> None:
    found = [
        token_cost(digital(weights=name, weight_group="tensor"), LLAMA, chip=H100).energy["weights"]
        for name in ("int2", "int4", "int8", "bf16")
    ]
    assert found == sorted(found)


def test_what_a_run_counted_goes_into_the_cost() -> None:
    plain = token_cost(digital(weights="int4"), LLAMA, {}, chip=H100)
    counted = token_cost(digital(weights="int4"), LLAMA, {"weight_bits": 5.0}, chip=H100)
    assert counted.energy["weights"] > plain.energy["weights"]
    zeros = token_cost(digital(sparsity="teal", keep=0.9), LLAMA, {"activation_zeros": 0.5}, chip=H100)
    half = token_cost(digital(sparsity="teal", keep=0.5), LLAMA, {}, chip=H100)
    assert zeros.energy == half.energy


def test_a_large_model_takes_more_chips_and_pays_for_links() -> None:
    large = read_architecture("llama-3.1-405b")
    count = chips_needed(large, BASE, chip=H100)
    assert count == 16
    made = token_cost(BASE, large, chip=H100)
    assert made.chips == 16.0
    assert made.energy["links"] > 0.0
    assert made.time["links"] > 0.0
    narrow = digital(weights="int4", weight_group="g128")
    assert chips_needed(large, narrow, chip=H100) == 4
    with pytest.raises(InfeasibleError):
        chips_needed(large, BASE, chip=H100, batch=1e6, context=1e6)


class _Free(Multiplier):
    """A substrate whose products cost nothing at all: what is left is what Amdahl says."""

    def joules(self, substrate, *, m, n, k, statistics):
        return {"adc": np.zeros(()), "tiles": np.zeros(())}

    def seconds(self, substrate, *, m, n, k, statistics):
        return np.zeros(())

    def attention(self, substrate, operation, *, cache, cache_bits):
        return None


PARTS = {
    "adc": "converters",
    "dac": "converters",
    "laser": "laser",
    "tiles": "arithmetic",
    "buffers": "sram",
    "programming": "weights",
    "scores": "arithmetic",
}


@pytest.fixture
def tiles(monkeypatch: pytest.MonkeyPatch) -> Callable[[type[Multiplier]], None]:
    """Give the analog technology another cost model."""

    def put(kind: type[Multiplier]) -> None:
        made = kind(replace(registered("analog"), parts=PARTS))
        plain = registry.model_of

        def model_of(name: str, *, training: bool = False):
            return made if name == "analog" else plain(name, training=training)

        monkeypatch.setattr(rollup, "model_of", model_of)

    return put


def test_a_substrate_that_costs_nothing_saves_what_amdahl_says(tiles) -> None:
    tiles(_Free)
    free = token_cost(TILES, LLAMA, chip=H100)
    base = token_cost(BASE, LLAMA, chip=H100)
    assert free.amdahl is not None
    assert base.joules("chip") / free.joules("chip") == pytest.approx(free.amdahl, rel=1e-9)
    assert free.joules("chip") == pytest.approx(fallback_cost(places(TILES, LLAMA), chip=H100)[0], rel=1e-9)
    assert free.mapped_operations == pytest.approx(float(share_mapped(places(TILES, LLAMA))), rel=1e-12)
    assert 0.8 < free.mapped_energy < 1.0


def test_components_of_a_technology_are_grouped_as_it_says(tiles) -> None:
    class Named(_Free):
        def joules(self, substrate, *, m, n, k, statistics):
            return {"adc": 3.0, "dac": 1.0, "laser": 0.5, "tiles": 2.0, "buffers": 0.25, "programming": 0.125}

    tiles(Named)
    made = token_cost(TILES, LLAMA, chip=H100)
    launches = 4 * 32
    assert made.energy["converters"] == pytest.approx(4.0 * launches)
    assert made.energy["laser"] == pytest.approx(0.5 * launches)
    assert made.energy["arithmetic"] == pytest.approx(2.0 * launches)
    assert made.energy["sram"] == pytest.approx(0.25 * launches)
    assert made.energy["weights"] == pytest.approx(0.125 * launches)


def test_a_component_that_nothing_places_is_refused(tiles) -> None:
    class Unplaced(_Free):
        def joules(self, substrate, *, m, n, k, statistics):
            return {"gravity": 1.0}

    tiles(Unplaced)
    with pytest.raises(InputError) as refused:
        token_cost(TILES, LLAMA, chip=H100)
    assert (refused.value.key, refused.value.given) == ("analog.parts", "gravity")


def test_attention_in_cells_is_two_products_and_area_is_that_of_the_weights(tiles) -> None:
    class Counted(_Free):
        def joules(self, substrate, *, m, n, k, statistics):
            return {"tiles": m * n * k}

        def matrix_area(self, substrate, *, m, n, k, statistics):
            return n * k * 1e-15

    tiles(Counted)
    cells = replace(TILES, settings={"attention": "gain-cell"})
    made = token_cost(cells, LLAMA, chip=H100, context=99.0)
    p = LLAMA.parameters
    attention = 2 * 32 * 32 * 100 * 128  # two products, layers, heads, keys, width
    assert made.energy["arithmetic"] == pytest.approx(p.attention + p.feed_forward + attention, rel=1e-12)
    assert made.area == pytest.approx((p.attention + p.feed_forward) * 1e-15, rel=1e-12)


def test_a_head_that_a_technology_prices_itself_is_taken_as_it_is(tiles) -> None:
    class Head(_Free):
        def attention(self, substrate, operation, *, cache, cache_bits):
            heads = operation.batch * operation.m
            energy = self.technology.grouped({"scores": 2.0, "dac": 1.0})
            return Product({name: value * heads for name, value in energy.items()}, operation.m * 0.5)

    tiles(Head)
    cells = replace(TILES, settings={"attention": "gain-cell"})
    made = token_cost(cells, LLAMA, chip=H100, batch=2.0)
    heads = 32 * 32  # heads and layers, a token
    assert made.energy["arithmetic"] == pytest.approx(2.0 * heads)
    assert made.energy["converters"] == pytest.approx(1.0 * heads)
    assert made.time["arithmetic"] == pytest.approx(0.5 * 32 / 2.0)  # all heads at once, layer by layer


def test_shares_of_parts_add_up() -> None:
    step = decode_work(LLAMA)
    linear = energy_share(step, lambda work: work.linear, chip=H100)
    rest = energy_share(step, lambda work: not work.linear, chip=H100)
    assert linear + rest == pytest.approx(1.0, rel=1e-12)
    assert 0.0 < energy_share(step, lambda work: work.linear, chip=H100, of="time") < 1.0


def test_figures_of_unlike_scope_do_not_compare() -> None:
    made = token_cost(BASE, LLAMA, chip=H100)
    assert made.figure("system").over(made.figure("system")) == 1.0
    with pytest.raises(InputError, match="scope"):
        made.figure("system").over(made.figure("chip"))
    with pytest.raises(InputError, match="unit"):
        made.figure("chip").over(Figure(1.0, "FLOP/J", "chip"))
    with pytest.raises(InputError):
        made.joules("rack")


def test_bad_input_is_told() -> None:
    with pytest.raises(InputError) as told:
        token_cost(BASE, LLAMA, chip=H100, batch=0.5)
    assert told.value.key == "batch"
    with pytest.raises(InputError) as context:
        decode_work(LLAMA, context=-1.0)
    assert context.value.key == "context"
    with pytest.raises(MissingDataError):
        registered("levitation")
    with pytest.raises(MissingDataError):
        registered("optical")  # a folder of this room that is no technology
