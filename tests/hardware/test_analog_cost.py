"""Cost of analog tiles. The oracle is a chip that our numbers were not fitted to; the rest are laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt.catalog import entity
from gigawatt.core.errors import InputError
from gigawatt.technology.analog import tiles as analog
from gigawatt.technology.analog.writing import attention_head, refresh_power, write
from gigawatt.technology.registry import load_substrate
from gigawatt.technology.substrate import Substrate
from gigawatt.validation.technologies.analog import hermes

few = settings(deadline=None, max_examples=25, derandomize=True)
SUBSTRATES = ("pcm", "pcm-hermes-fast", "pcm-hermes-precise", "rram", "flash", "gain-cell")


def total(substrate: Substrate, **sizes: object) -> np.ndarray:
    return np.sum(list(analog.cost(substrate, **sizes).values()), axis=0)  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", ["fast", "precise"])
def test_the_64_core_chip_from_one_core(mode: str) -> None:
    """Le Gallo et al. 2023: 63.1 TOPS at 9.76 TOPS/W and 16.1 at 2.48; we know one core of another chip."""
    ours, row = hermes(mode), entity("analog_published", f"hermes-{mode}")
    for quantity in ("throughput", "efficiency", "energy", "density"):
        assert ours[quantity] == pytest.approx(row.value(quantity), rel=0.15), quantity


def test_four_phases_take_four_reads() -> None:
    fast, precise = (load_substrate(f"pcm-hermes-{mode}") for mode in ("fast", "precise"))
    sizes = {"m": 3.0, "n": 700.0, "k": 900.0}
    one, four = analog.cost(fast, **sizes), analog.cost(precise, **sizes)
    for part in ("cells", "dac", "adc", "digital"):
        assert four[part] == pytest.approx(4.0 * one[part], rel=1e-12)
    assert four["link"] == pytest.approx(one["link"], rel=1e-12)
    assert analog.time(precise, **sizes) == pytest.approx(4.0 * analog.time(fast, **sizes), rel=1e-12)


@pytest.mark.parametrize("name", SUBSTRATES)
def test_parts_of_a_matrix_cost_what_the_matrix_costs(name: str) -> None:
    """Cut along tiles, joules and tiles are kept; only the way to a core is shorter for one than for two."""
    made = load_substrate(name)
    rows = made.number("tile_rows")
    whole = analog.cost(made, m=2.0, n=96.0, k=4 * rows)
    parts = analog.cost(made, m=2.0, n=96.0, k=np.array([rows, 3 * rows]))
    for part in ("cells", "dac", "adc", "digital"):
        assert float(parts[part].sum()) == pytest.approx(float(whole[part]), rel=1e-9)
    assert set(whole) == set(analog.COMPONENTS)
    tiles = analog.reads(made, n=96.0, k=np.array([rows, 3 * rows]))["tiles"]
    assert tiles.sum() == analog.reads(made, n=96.0, k=4 * rows)["tiles"]


@few
@given(m=st.floats(1, 1e3), n=st.floats(1, 1e4), k=st.floats(1, 1e4), bits=st.integers(4, 11))
def test_signs_of_what_moves_a_cost(m: float, n: float, k: float, bits: int) -> None:
    made = load_substrate(f"pcm:adc_bits={bits}")
    finer = load_substrate(f"pcm:adc_bits={bits + 1}")
    longer = load_substrate(f"pcm:dac_bits={bits + 1}")
    shorter = load_substrate(f"pcm:dac_bits={bits}")
    sizes = {"m": m, "n": n, "k": k}
    assert total(finer, **sizes) > total(made, **sizes)
    assert total(longer, **sizes) > total(shorter, **sizes)
    assert analog.time(longer, **sizes) > analog.time(shorter, **sizes)
    assert total(made, **sizes, statistics={"activation_zeros": 0.5}) < total(made, **sizes)
    assert total(made, **sizes, statistics={"activation_crest": 12.0}) <= total(
        made, **sizes, statistics={"activation_crest": 4.0}
    )
    assert total(made, m=2 * m, n=n, k=k) == pytest.approx(2 * total(made, **sizes), rel=1e-12)
    assert analog.area(made, n=n, k=k) > 0.0


def test_no_driven_row_leaves_the_conversions() -> None:
    made = load_substrate("pcm")
    idle = analog.cost(made, m=1.0, n=512.0, k=512.0, statistics={"activation_zeros": 1.0})
    assert float(idle["cells"]) == 0.0
    assert float(idle["dac"]) == 0.0
    assert float(idle["adc"]) > 0.0


def test_shares_of_a_core_are_shares() -> None:
    for name in ("core-pcm", "core-rram", "core-flash", "core-gain-cell"):
        row = entity("analog", name)
        assert sum(row.value(f"share_{part}") for part in ("cells", "dac", "adc")) == pytest.approx(
            1.0, abs=1e-9
        )
        assert sum(row.value(f"area_{part}") for part in ("cells", "dac", "adc")) < 1.0


def test_slices_multiply() -> None:
    one, two = load_substrate("pcm"), load_substrate("pcm:slices=2")
    sizes = {"m": 1.0, "n": 512.0, "k": 512.0}
    assert analog.cost(two, **sizes)["adc"] == pytest.approx(2 * analog.cost(one, **sizes)["adc"], rel=1e-12)
    assert analog.area(two, weights=1e6) == pytest.approx(2 * analog.area(one, weights=1e6), rel=1e-12)
    assert write(two, 1e6).energy == pytest.approx(2 * write(one, 1e6).energy, rel=1e-12)


def test_writing_and_refresh() -> None:
    pcm, gain = load_substrate("pcm"), Substrate("g", "g", "analog", {"device": "gain-cell"})
    made = write(pcm, np.array([0.0, 1e6, 2e6]))
    assert made.energy[0] == 0.0
    assert made.energy[2] == pytest.approx(2 * made.energy[1], rel=1e-12)
    assert made.updates == pytest.approx(1e9 / 15)
    assert float(refresh_power(pcm, 1e6)) == 0.0
    # a cell that may lose a share 1 - 1/e lasts its time constant
    period = entity("analog", "gain-cell").value("retention")
    assert refresh_power(gain, 1e6, 1 - np.exp(-1)) == pytest.approx(write(gain, 1e6).energy / period)
    assert refresh_power(gain, 1e6, 0.01) > refresh_power(gain, 1e6, 0.1)


def test_attention_on_gain_cells() -> None:
    """Leroux et al. 2025: 6.1 nJ and 65 ns a token and head of 1,024 × 64 (our parts are theirs)."""
    made = attention_head(window=1024.0, width=64.0)
    assert sum(float(x) for x in made.energy.values()) == pytest.approx(6.1e-9, rel=0.02)
    half = attention_head(window=512.0, width=64.0)
    assert half.energy["scores"] == pytest.approx(made.energy["scores"] / 2)
    assert half.energy["dac"] == pytest.approx(made.energy["dac"])


@pytest.mark.parametrize(
    ("run", "key"),
    [
        (lambda s: analog.cost(s, m=1.0, n=0.0, k=4.0), "n"),
        (lambda s: analog.cost(s, m=-1.0, n=4.0, k=4.0), "m"),
        (lambda s: analog.cost(s, m=1.0, n=4.0, k=np.nan), "k"),
        (
            lambda s: analog.cost(s, m=1.0, n=4.0, k=4.0, statistics={"activation_zeros": 2.0}),
            "activation_zeros",
        ),
        (lambda s: refresh_power(s, 1.0, 1.0), "loss"),
        (lambda s: write(s, -1.0), "weights"),
        (lambda s: attention_head(window=0.0, width=64.0), "window"),
        (lambda s: load_substrate("pcm:adc_bits=40"), "pcm.adc_bits"),
        (lambda s: load_substrate("pcm:mode=slow"), "pcm.mode"),
        (lambda s: analog.time(Substrate("x", "x", "analog", {"mode": "slow"}), m=1.0, n=1.0, k=1.0), "mode"),
        (
            lambda s: analog.time(Substrate("x", "x", "analog", {"device": "dram"}), m=1.0, n=1.0, k=1.0),
            "device",
        ),
        (lambda s: analog.time(Substrate("x", "x", "digital", {}), m=1.0, n=1.0, k=1.0), "technology"),
    ],
)
def test_what_cannot_be_is_named(run: object, key: str) -> None:
    with pytest.raises(InputError) as caught:
        run(load_substrate("pcm"))  # type: ignore[operator]
    assert caught.value.key == key
    assert caught.value.allowed


def test_many_sizes_at_once() -> None:
    made, rng = load_substrate("pcm"), np.random.default_rng(0)
    sizes = {key: rng.uniform(1.0, 1e4, 200_000) for key in ("m", "n", "k")}
    assert np.all(total(made, **sizes) > 0.0)
