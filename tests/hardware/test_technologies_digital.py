"""Number formats and sparsity on digital chips: bits by their definitions, what is saved, and what is not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt.core.errors import InputError
from gigawatt.machine.load import load_chip
from gigawatt.technology.digital import formats as digital
from gigawatt.technology.digital.formats import (
    cache_bits,
    format_bits,
    kept_share,
    multiplied,
    number_formats,
    read_share,
    saving,
    sparse_gain,
    stored_weight_bits,
)
from gigawatt.technology.digital.gpu import Gpu
from gigawatt.technology.interface import Efficiency
from gigawatt.technology.substrate import Substrate
from gigawatt.workload.operation import ONE
from gigawatt.workload.operations import Operation

H100, B200, A100 = load_chip("H100"), load_chip("B200"), load_chip("A100")


def substrate(**settings: float | str) -> Substrate:
    return Substrate("test", "test", "digital", settings)


# OCP Microscaling Formats specification 1.0, section 5 (blocks of 32, E8M0 scales); NVFP4: blocks of 16.
@pytest.mark.parametrize(
    ("name", "bits"),
    [("mxfp8", 8.25), ("mxfp6_e3m2", 6.25), ("mxfp4", 4.25), ("nvfp4", 4.5), ("bf16", 16.0)],
)
def test_bits_of_block_formats_are_those_of_their_specifications(name: str, bits: float) -> None:
    assert float(format_bits(name, group="block")) == bits
    assert float(format_bits(name, group="tensor")) == bits


@pytest.mark.parametrize(("group", "bits"), [("g32", 4.5), ("g64", 4.25), ("g128", 4.125), ("tensor", 4.0)])
def test_a_scale_is_shared_by_its_group(group: str, bits: float) -> None:
    assert float(format_bits("int4", group=group)) == bits
    assert float(format_bits("int4", group="channel", length=4096)) == 4.0 + 32.0 / 4096.0


def test_every_format_of_the_settings_has_a_row() -> None:
    assert set(number_formats()) == set(digital.SETTINGS["weights"][2])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("weights", "activations", "chip", "form"),
    [
        ("nvfp4", "nvfp4", B200, "fp4"),
        ("nvfp4", "nvfp4", H100, "bf16"),
        ("mxfp8", "mxfp4", B200, "fp8"),
        ("fp8_e4m3", "fp8_e5m2", H100, "fp8"),
        ("fp8_e4m3", "fp8_e4m3", A100, "bf16"),
        ("int4", "int8", A100, "int8"),
        ("int4", "fp8_e4m3", H100, "bf16"),
        ("int4", "bf16", B200, "bf16"),
        ("fp16", "fp16", H100, "fp16"),
        ("fp32", "bf16", H100, "tf32"),
    ],
)
def test_a_chip_multiplies_what_it_has_units_for(weights: str, activations: str, chip, form: str) -> None:
    made, why = multiplied(substrate(weights=weights, activations=activations), chip)
    assert made == form
    assert made in chip.peak
    assert weights in why


def test_sixteen_bits_save_nothing_and_cost_what_the_gpu_says() -> None:
    one = saving(substrate(weights="bf16", activations="bf16"), m=8, n=4096, k=14336, chip=H100)
    assert {name: float(value) for name, value in one.items()} == dict.fromkeys(one, 1.0)
    m, n, k = (np.asarray(x, dtype=float) for x in (8, 4096, 14336))
    op = Operation("x", "gemm", "forward", m, n, k, ONE, 2 * m * n * k, 2 * (m * k + n * k), 2 * m * n, ONE,
                   "bf16")  # fmt: skip
    theirs = Gpu().cost(op, H100, Efficiency())
    mine = digital.cost(substrate(), m=8, n=4096, k=14336, statistics={}, chip=H100)
    assert sum(mine.values()) == pytest.approx(sum(theirs.energy.values()), rel=1e-12)
    assert digital.time(substrate(), m=8, n=4096, k=14336, statistics={}, chip=H100) == theirs.time


def test_stored_only_formats_save_bytes_and_no_arithmetic_energy() -> None:
    four = digital.cost(
        substrate(weights="int4", weight_group="g128"), m=1, n=4096, k=4096, statistics={}, chip=H100
    )
    wide = digital.cost(substrate(), m=1, n=4096, k=4096, statistics={}, chip=H100)
    assert four["arithmetic"] == wide["arithmetic"]
    assert four["dequantise"] > 0.0
    assert wide["dequantise"] == 0.0
    assert four["dram"] < wide["dram"] / 3.5


def test_two_of_four_is_at_most_twice_as_quick_and_only_where_units_are() -> None:
    pattern = substrate(sparsity="2:4-wanda")
    gain, _ = sparse_gain(pattern, H100)
    assert 1.0 < gain <= 2.0
    assert sparse_gain(pattern, load_chip("TPU-v5e"))[0] == 1.0
    for other in ("wanda", "magnitude", "4:8-wanda"):
        assert sparse_gain(substrate(sparsity=other, keep=0.5), H100)[0] == 1.0
    assert float(stored_weight_bits(pattern)) == 9.0  # half of 16 bits, and one bit of mask
    large = saving(pattern, m=4096, n=8192, k=8192, chip=H100)
    assert 1.0 < float(large["time"]) <= 2.0


def test_a_bitmap_is_used_only_where_it_pays() -> None:
    assert float(stored_weight_bits(substrate(sparsity="wanda", keep=0.5))) == 9.0
    assert float(stored_weight_bits(substrate(sparsity="wanda", keep=0.99))) == 16.0
    counted = stored_weight_bits(substrate(sparsity="wanda", keep=0.9), {"weight_zeros": 0.5})
    assert float(counted) == 9.0  # what the run counted wins over what was asked for
    assert kept_share(substrate(sparsity="2:4-wanda"), {"weight_zeros": 0.9}) == 0.5


@given(zeros=st.floats(0.0, 1.0), tokens=st.integers(1, 64))
@settings(deadline=None, max_examples=50, derandomize=True)
def test_zeros_of_activations_save_less_the_more_tokens_share_the_weights(zeros: float, tokens: int) -> None:
    teal = substrate(sparsity="teal")
    one, more = (
        float(read_share(teal, {"activation_zeros": zeros}, count)) for count in (tokens, tokens + 1)
    )
    assert one <= more <= 1.0
    assert float(read_share(teal, {"activation_zeros": zeros}, 1)) == pytest.approx(1.0 - zeros, abs=1e-15)
    assert float(read_share(substrate(), {"activation_zeros": zeros}, tokens)) == 1.0


@given(
    name=st.sampled_from(["int2", "int3", "int4", "int8", "nvfp4", "mxfp8", "fp8_e4m3"]),
    keep=st.floats(0.05, 1.0),
    pattern=st.sampled_from(["none", "wanda", "2:4-wanda", "4:8-wanda"]),
)
@settings(deadline=None, max_examples=60, derandomize=True)
def test_no_pattern_stores_more_than_dense_weights(name: str, keep: float, pattern: str) -> None:
    dense = float(stored_weight_bits(substrate(weights=name), length=4096))
    assert (
        float(stored_weight_bits(substrate(weights=name, sparsity=pattern, keep=keep), length=4096)) <= dense
    )


def test_cache_bits() -> None:
    assert float(cache_bits(substrate())) == 16.0
    assert float(cache_bits(substrate(cache="int4", cache_group="token"), length=128)) == 4.25
    assert float(cache_bits(substrate(cache="int4"), {"cache_bits": 5.0})) == 5.0


def test_rotation_costs_energy() -> None:
    plain, turned = (
        digital.cost(substrate(rotate=block), m=4, n=256, k=1024, statistics={}, chip=H100)
        for block in (0.0, 64.0)
    )
    assert plain["rotate"] == 0.0
    adds = 4 * 1024 * 6  # m · k · log2(64)
    assert float(turned["rotate"]) == pytest.approx(adds * H100.energy_flop["fp32"], rel=1e-12)


def test_arrays_broadcast() -> None:
    found = digital.cost(substrate(), m=np.array([1.0, 2.0, 4.0]), n=256, k=512, statistics={}, chip=H100)
    assert found["arithmetic"].shape == (3,)
    assert digital.area(substrate(), chip=H100) == H100.die_area


@pytest.mark.parametrize("key", ["m", "n", "k"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_a_size_is_above_zero(key: str, value: float) -> None:
    sizes = {"m": 1.0, "n": 2.0, "k": 4.0, key: value}
    with pytest.raises(InputError) as told:
        digital.cost(substrate(), **sizes, statistics={})  # type: ignore[arg-type]
    assert told.value.key == key


def test_bad_formats_and_shares_are_told() -> None:
    with pytest.raises(InputError, match="mxfp4") as told:
        stored_weight_bits(substrate(weights="mxfp"))
    assert told.value.key == "format"
    with pytest.raises(InputError) as group:
        format_bits("int4", group="g16")
    assert group.value.key == "group"
    with pytest.raises(InputError) as share:
        read_share(substrate(sparsity="teal"), {"activation_zeros": 1.5}, 1)
    assert share.value.key == "activation_zeros"
