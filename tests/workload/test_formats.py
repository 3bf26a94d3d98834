"""Number formats: codes as torchao and ml_dtypes make them, tables of the standards, bits, refusals."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt.core.errors import InputError
from gigawatt.workload.formats import (
    FORMATS,
    Element,
    code_values,
    decode,
    encode,
    format_of,
    group_size,
    quantise,
    stored_bits,
)

HERE = Path(__file__).parent
few = settings(deadline=None, max_examples=40, derandomize=True)
MICROSCALED = [name for name, one in FORMATS.items() if one.block]
CODED = [name for name, one in FORMATS.items() if not one.plain]
ELEMENTS = {one.element.name: one.element for one in FORMATS.values()}


def rows(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(newline="") as stream:
        return list(csv.DictReader(stream))


def ints(text: str) -> list[int]:
    return [int(one) for one in text.split()]


# golden: torchao 0.18.0 (blocks) and ml_dtypes 0.6.0 (elements), see tests/oracles/workload_formats.py


@pytest.mark.parametrize("row", rows("golden_microscaling.csv"), ids=lambda row: row["format"])
def test_blocks_are_bit_exact_to_torchao(row: dict[str, str]) -> None:
    values = [float.fromhex(one) for one in row["values"].split()]
    made = encode(values, row["format"])
    assert made.scales.reshape(-1).tolist() == ints(row["scales"])
    assert made.codes.tolist() == ints(row["codes"])
    assert made.tensor_scale == float.fromhex(row["tensor_scale"])


def test_elements_are_bit_exact_to_ml_dtypes() -> None:
    found = rows("golden_small_floats.csv")
    assert {row["element"] for row in found} == {"e4m3", "e5m2", "e3m2", "e2m3", "e2m1"}
    for row in found:
        element, value, code = ELEMENTS[row["element"]], float.fromhex(row["value"]), int(row["code"])
        size = code & ((1 << (element.bits - 1)) - 1)
        table = code_values(element)
        nearest = np.abs(table - abs(value))
        assert nearest[size] == nearest.min(), row
        if (nearest == nearest.min()).sum() == 2:
            assert size % 2 == 0, row


# tables of OCP MX 1.0, sections 5.3.1 to 5.3.3, and of arXiv:2209.05433, table 1


@pytest.mark.parametrize(
    ("name", "codes", "smallest", "least_normal", "largest"),
    [
        ("e4m3", 127, 2.0**-9, 2.0**-6, 448.0),
        ("e5m2", 124, 2.0**-16, 2.0**-14, 57344.0),
        ("e3m2", 32, 0.0625, 0.25, 28.0),
        ("e2m3", 32, 0.125, 1.0, 7.5),
        ("e2m1", 8, 0.5, 1.0, 6.0),
    ],
)
def test_tables_of_the_standards(
    name: str, codes: int, smallest: float, least_normal: float, largest: float
) -> None:
    table = code_values(ELEMENTS[name])
    assert len(table) == codes
    assert table[:2].tolist() == [0.0, smallest]
    assert table[1 << ELEMENTS[name].mantissa] == least_normal
    assert table[-1] == largest == ELEMENTS[name].largest
    assert np.all(np.diff(table) > 0)


def test_fp4_has_its_eight_magnitudes() -> None:
    assert code_values(ELEMENTS["e2m1"]).tolist() == [0, 0.5, 1, 1.5, 2, 3, 4, 6]


def test_the_scale_of_a_block_by_the_rule() -> None:
    """OCP MX 1.0, section 6.3, by hand: largest 10 has floor(log2) 3; E2M1's emax is 2, so the scale is 2."""
    made = encode([10.0, 1.0, -3.0, 0.25], "mxfp4")
    assert made.scales.tolist() == [127 + 1]
    assert decode(made).tolist() == [8.0, 1.0, -3.0, 0.0]  # 5 ties to the even code 4; 0.125 to 0


def test_elements_above_the_largest_saturate() -> None:
    made = encode([7.9] + [0.0] * 31, "mxfp4")  # floor(log2 7.9) = 2: scale 1, largest element 6
    assert decode(made)[0] == 6.0


# properties

numbers = st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=70)


@few
@given(values=numbers, form=st.sampled_from(CODED))
def test_rounding_twice_is_rounding_once(values: list[float], form: str) -> None:
    if form in ("mxfp8", "mxfp6_e3m2", "mxfp6_e2m3", "mxfp4"):  # a power of two stays the scale
        once = quantise(values, form)
        assert quantise(once, form).tolist() == once.tolist()
    assert np.all(np.isfinite(quantise(values, form)))


@few
@given(values=numbers, form=st.sampled_from([*CODED, "bf16"]))
def test_sign_and_order_are_kept(values: list[float], form: str) -> None:
    ordered = np.sort(np.asarray(values))
    form_block = format_of(form).block
    some = ordered[: form_block or None]  # one block: one scale
    made = quantise(some, form)
    assert np.all(np.diff(made) >= 0)
    assert np.all(made * some >= 0)
    assert quantise(-some, form).tolist() == (-made).tolist()


@few
@given(values=numbers, bits=st.integers(2, 7))
def test_a_bit_more_is_never_further_than_its_step(values: list[float], bits: int) -> None:
    x = np.asarray(values)
    x = np.where(np.abs(x) < 1e-30, 0.0, x)  # a scale is fp32: below its normal numbers it is coarse
    top = np.abs(x).max()
    for n in (bits, bits + 1):
        error = np.abs(quantise(x, f"int{n}", "tensor") - x).max()
        assert error <= 0.5 * top / ((1 << (n - 1)) - 1) * (1 + 1e-6)


@few
@given(
    values=numbers, power=st.integers(-20, 20), form=st.sampled_from([f for f in MICROSCALED if f != "nvfp4"])
)
def test_a_power_of_two_passes_through(values: list[float], power: int, form: str) -> None:
    x = np.asarray(values)
    x = np.where(np.abs(x) < 1e-9, 0.0, x)  # far from the ends of E8M0
    assert quantise(x * 2.0**power, form).tolist() == (quantise(x, form) * 2.0**power).tolist()


def test_smaller_groups_round_closer() -> None:
    x = np.random.default_rng(3).normal(size=(16, 256)) * np.exp(np.random.default_rng(4).normal(size=256))
    error = [
        np.square(quantise(x, "int4", g) - x).mean() for g in ("tensor", "channel", "g128", "g64", "g32")
    ]
    assert np.all(np.diff(error) < 0)


def test_nvfp4_rounds_closer_than_mxfp4() -> None:
    """Egiazarian et al. 2025, arXiv:2509.23202, section 3: smaller blocks and finer scales."""
    x = np.random.default_rng(5).normal(size=(64, 512))
    nv, mx = (np.square(quantise(x, form) - x).mean() / np.square(x).mean() for form in ("nvfp4", "mxfp4"))
    assert nv < 0.75 * mx


@pytest.mark.parametrize("form", CODED)
def test_numbers_below_what_a_scale_can_be_become_zero_or_stay_small(form: str) -> None:
    for tiny in (1e-45, 1e-44, 1e-42, 1e-40):
        made = quantise([tiny, -tiny, 0.0], form)
        assert np.all(np.abs(made) <= 2.0 * tiny)


# bits


@pytest.mark.parametrize(
    ("form", "group", "width", "bits"),
    [
        ("mxfp8", "block", 4096, 8.25),
        ("mxfp6_e3m2", "block", 4096, 6.25),
        ("mxfp4", "block", 4096, 4.25),
        ("mxfp4", "block", 16, 4.5),
        ("int4", "g128", 4096, 4.125),
        ("int4", "g32", 4096, 4.5),
        ("int8", "channel", 4096, 8 + 32 / 4096),
        ("bf16", "block", 4096, 16.0),
    ],
)
def test_bits_with_scales(form: str, group: str, width: int, bits: float) -> None:
    assert stored_bits(form, group, width=width) == pytest.approx(bits, rel=1e-12)


def test_nvfp4_is_four_and_a_half_bits() -> None:
    assert stored_bits("nvfp4", width=4096, rows=4096) == pytest.approx(4.5, abs=1e-5)


# refusals


def test_refusals_name_what_is_allowed() -> None:
    with pytest.raises(InputError, match=r"did you mean 'nvfp4'"):
        format_of("nvfp5")
    with pytest.raises(InputError, match=r"blocks of 32 of its own"):
        group_size("mxfp4", "channel")
    with pytest.raises(InputError, match=r"no such group.*did you mean 'g64'"):
        group_size("int4", "g65")
    with pytest.raises(InputError, match="not a microscaled format"):
        encode([1.0], "int4")
    with pytest.raises(InputError, match="not finite"):
        quantise([1.0, float("nan")], "int4")
    with pytest.raises(InputError, match="not finite"):
        encode([float("inf")], "mxfp4")
    with pytest.raises(InputError, match="8 bits or fewer"):
        code_values(Element("e8m7", 8, 7, 1.0))
