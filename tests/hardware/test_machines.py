"""Chips, links, nodes and clusters from the catalog: datasheet values, whole tables, error messages."""

from __future__ import annotations

import csv
import math
from dataclasses import replace
from pathlib import Path

import pytest

from gigawatt.catalog.loader import entity, path, source, table
from gigawatt.core.errors import InfeasibleError, InputError, MissingDataError
from gigawatt.core.evidence import Grade
from gigawatt.machine import build_cluster, list_chips, load_chip, load_link, load_node
from gigawatt.machine.chips import chip_of
from gigawatt.machine.prices import bought_in

TABLES = ("chips", "chips_defaults", "memories", "links", "nodes", "kernels", "kernels_tiles")
INCOMPLETE = {"Feynman", "HERMES", "IBM-35M-PCM", "Lightmatter-2025", "Loihi-2"}


@pytest.mark.parametrize(
    ("id", "form", "peak", "bandwidth", "power"),
    [
        ("A100-SXM4-80GB", "bf16", 312e12, 2039e9, 400),  # NVIDIA A100 datasheet (2021), SXM column
        ("A100-SXM4-40GB", "tf32", 156e12, 1555e9, 400),  # NVIDIA A100 datasheet (2020)
        ("H100-SXM5-80GB", "bf16", 989.4e12, 3350e9, 700),  # NVIDIA H100 datasheet, without sparsity
        ("H100-SXM5-80GB", "fp8", 1979e12, 3350e9, 700),
        ("H200-SXM-141GB", "bf16", 989.4e12, 4800e9, 700),  # NVIDIA H200 datasheet
        ("GB200", "bf16", 2500e12, 8000e9, 1200),  # NVIDIA GB200 NVL72 datasheet, halved
        ("MI300X", "bf16", 1307.4e12, 5300e9, 750),  # AMD Instinct MI300X datasheet
        ("TPU-v5p", "bf16", 459e12, 2765e9, 540),  # Google Cloud TPU v5p documentation; power Epoch
    ],
)
def test_datasheets(id: str, form: str, peak: float, bandwidth: float, power: float) -> None:
    chip = load_chip(id)
    assert chip.peak[form] == pytest.approx(peak, rel=2e-3)
    assert chip.memory_bandwidth == pytest.approx(bandwidth, rel=1e-3)
    assert chip.power_limit == power


@pytest.mark.parametrize(
    ("written", "id"),
    [
        ("H100-80GB-SXM", "H100-SXM5-80GB"),
        ("A100-SXM", "A100-SXM4-80GB"),
        ("A100-80GB-SXM", "A100-SXM4-80GB"),
        ("A100-40GB-SXM", "A100-SXM4-40GB"),
        ("H800-80GB", "H800-SXM5-80GB"),
        ("H200-141GB-SXM", "H200-SXM-141GB"),
        ("B200", "B200-SXM-180GB"),
        ("TPU v5p", "TPU-v5p"),
        ("TPU v6e (Trillium)", "TPU-v6e"),
        ("TPU v4", "TPU-v4"),
        ("Trainium1 (per NeuronCore)", "Trainium1-NeuronCore"),
        ("gaudi2", "Gaudi2"),
        ("TPU v5e", "TPU-v5e"),
    ],
)
def test_names_of_measured_runs(written: str, id: str) -> None:
    assert load_chip(written).id == id


def test_aliases_are_unique() -> None:
    seen: dict[str, str] = {}
    for row in table("chips").values():
        for name in (row.id, *filter(None, row.text("aliases").split("|"))):
            plain = "".join(c for c in name.lower() if c.isalnum())
            assert seen.setdefault(plain, row.id) == row.id, name


@pytest.mark.parametrize("name", TABLES)
def test_every_row_is_known_and_graded(name: str) -> None:
    for row in table(name).values():
        for evidence in row.rows():
            assert isinstance(evidence.grade, Grade)
            assert source(evidence.source_id).title
            assert math.isfinite(evidence.value)
            assert evidence.value >= 0
            if evidence.low is not None and evidence.high is not None:
                assert evidence.low <= evidence.value <= evidence.high, evidence.where


def test_every_chip_loads_or_says_what_it_lacks() -> None:
    assert len(list_chips()) >= 73
    refused = set()
    for id in list_chips():
        try:
            chip = load_chip(id)
        except MissingDataError as error:
            refused.add((id, error.file, error.key))
            continue
        numbers = [chip.memory_bytes, chip.memory_bandwidth, chip.units, chip.power_limit, chip.price]
        numbers += [chip.die_area, chip.embodied_carbon, chip.idle_power, *chip.peak.values()]
        assert all(math.isfinite(x) and x > 0 for x in numbers), id
        assert chip.idle_power < chip.power_limit
        assert all(e >= 0 for e in (*chip.energy_flop.values(), *chip.energy_byte.values()))
        cluster, assumptions = build_cluster(chip=id, count=4096)
        assert 1 <= cluster.scale_up_size <= 4096
        assert {a.key for a in assumptions} >= {"cluster.node", "cluster.scale_up", "cluster.scale_out"}
    assert refused == {(id, "chips.csv", id) for id in INCOMPLETE}


def test_every_link_and_node_loads() -> None:
    for id in table("links"):
        link = load_link(id)
        assert link.bandwidth > 0
        assert link.latency > 0
        assert 0 < link.efficiency <= 1
        assert link.energy_byte > 0
    for id in table("nodes"):
        node = load_node(id)
        assert node.chips >= 1
        assert node.overhead_power > 0
        assert node.price > 0
        assert node.embodied_carbon > 0


def test_kernel_fits_named_by_chips_exist() -> None:
    for row in table("chips").values():
        assert row.text("kernels") in {"", *table("kernels")}


def test_one_row_is_enough_for_a_chip(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    """What the docs promise: the required cells of one row of chips.csv, nothing else."""
    from gigawatt.catalog import loader

    for name in (
        "chips",
        "chips_defaults",
        "kernels",
        "kernels_surfaces",
        "kernels_tiles",
        "memories",
        "price_index",
        "silicon",
    ):
        (tmp_path / f"{name}.csv").write_bytes(path(f"{name}.csv").read_bytes())
    with (tmp_path / "chips.csv").open(newline="", encoding="utf-8") as stream:
        columns = csv.DictReader(stream).fieldnames or []
    row = {
        "id": "Mine-1", "technology": "gpu", "year": "2027", "peak_bf16 [TFLOP/s]": "2000", "memory": "HBM3e",
        "memory_bytes [GB]": "200", "memory_bandwidth [GB/s]": "8000", "grade": "guess",
        "source_id": "recalled-datasheets",
    }  # fmt: skip
    with (tmp_path / "chips.csv").open("a", newline="", encoding="utf-8") as stream:
        csv.DictWriter(stream, columns, restval="").writerow(row)
    monkeypatch.setattr(loader, "_ROOT", tmp_path)
    loader.forget()
    try:
        chip = load_chip("mine1")
    finally:
        monkeypatch.undo()
        loader.forget()
    assert chip.peak == {"bf16": 2000e12}
    assert {a.key.rsplit(".", 1)[1] for a in chip.assumptions} >= {
        "power_limit",
        "price",
        "idle_power",
        "energy_flop",
    }
    assert all(a.reason and a.grade >= Grade.modelled for a in chip.assumptions)
    assert 500 < chip.power_limit < 3000


def test_estimates_are_listed_and_graded() -> None:
    chip = load_chip("H800")
    keys = {a.key: a for a in chip.assumptions}
    price = keys["chips.H800-SXM5-80GB.price"]
    assert price.grade == Grade.modelled  # by a fit to prices that have a source
    assert "regression" in price.reason
    assert chip.evidence["price"].grade == Grade.modelled
    assert "chips.H800-SXM5-80GB.power_limit" not in keys


def test_half_a_trainium() -> None:
    whole, half = load_chip("Trainium1"), load_chip("Trainium1-NeuronCore")
    assert half.peak["bf16"] * 2 == whole.peak["bf16"]
    assert half.memory_bytes * 2 == whole.memory_bytes
    assert half.power_limit * 2 == whole.power_limit


def test_cluster_of_the_llama_3_run() -> None:
    """Llama 3 (arXiv 2407.21783, section 3.3.1): 8 GPUs a server on NVLink, 400 Gb/s each outside, 700 W."""
    cluster, _ = build_cluster(chip="H100", count=16384, scale_out="roce-400", oversubscription=7.0)
    assert (cluster.count, cluster.scale_up_size, cluster.node.chips) == (16384, 8, 8)
    assert cluster.scale_up.bandwidth == 450e9  # NVLink 4: 900 GB/s both ways (NVIDIA H100 datasheet)
    assert cluster.scale_out.bandwidth == 50e9
    assert cluster.oversubscription == 7.0
    assert cluster.chip.power_limit == 700


def test_h800_has_the_cut_link() -> None:
    """DeepSeek-V3 report: 'NVLink offers … 160 GB/s' in use; the part is cut to 400 GB/s both ways."""
    assert build_cluster(chip="H800", count=2048)[0].scale_up.bandwidth == 200e9


def test_domain_of_72() -> None:
    cluster, assumptions = build_cluster(chip="GB200", count=144)
    assert cluster.scale_up_size == 72
    assert cluster.node.chips == 4
    assert any(a.key == "cluster.domain" and a.value == "72" for a in assumptions)
    assert build_cluster(chip="GB200", count=144, domain=36)[0].scale_up_size == 36
    assert build_cluster(chip="GB200", count=2)[0].scale_up_size == 2


def test_own_objects_are_taken_as_they_are() -> None:
    chip = replace(load_chip("H100"), id="mine", assumptions=())
    cluster, _ = build_cluster(
        chip=chip, count=8, node=load_node("dgx-h100"), scale_up="nvlink4", scale_out="roce-400"
    )
    assert cluster.chip is chip
    with pytest.raises(MissingDataError, match=r"cluster\.scale_up: mine has no default for this"):
        build_cluster(chip=chip, count=8)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"chip": "H10O-80GB-SXM", "count": 8},
            r"cluster\.chip: no such entry .* did you mean 'H100-80GB-SXM'\?",
        ),
        (
            {"chip": "H100", "count": 0},
            r"cluster\.count: not a count; given 0; allowed: a whole number of 1 or more",
        ),
        ({"chip": "H100", "count": -8}, r"cluster\.count: not a count; given -8"),
        ({"chip": "H100", "count": 8.5}, r"cluster\.count: not a count; given 8.5"),
        ({"chip": "H100", "count": 8, "domain": 0}, r"cluster\.domain: not a count; given 0"),
        (
            {"chip": "H100", "count": 8, "oversubscription": 0.5},
            r"oversubscription below 1; given 0.5; allowed: 1 or",
        ),
        ({"chip": "H100", "count": 8, "node": "dgx-h10"}, r"cluster\.node: .* did you mean 'dgx-h100'\?"),
        (
            {"chip": "H100", "count": 8, "scale_up": "nvlink44"},
            r"cluster\.scale_up: .* did you mean 'nvlink4'\?",
        ),
        (
            {"chip": "H100", "count": 8, "scale_out": "ib-ndr-40"},
            r"cluster\.scale_out: .* did you mean 'ib-ndr-400'\?",
        ),
    ],
)
def test_bad_input(given: dict, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        build_cluster(**given)
    assert "\n" not in str(caught.value)


def test_a_chip_without_numbers_is_refused_by_name() -> None:
    with pytest.raises(
        MissingDataError, match=r"Feynman: this chip has no peak rate; allowed: add peak_bf16"
    ):
        load_chip("Feynman")


def test_memory_is_a_little_below_binary_gigabytes() -> None:
    """nvidia-smi reports 81,559 MiB on H100 80 GB and 81,920 MiB on A100 80 GB."""
    assert load_chip("H100").memory_bytes == pytest.approx(81559 * 2**20, rel=1e-6)
    assert load_chip("A100").memory_bytes == pytest.approx(81920 * 2**20, rel=1e-6)
    assert entity("chips", "H100").text("memory") == "HBM3"


def test_a_chip_that_idles_above_its_limit_is_refused() -> None:
    row = entity("chips", "H100-SXM5-80GB")
    limit = row.evidence("power_limit")
    idle = replace(limit, quantity="idle_power", value=limit.value * 1.1)
    broken = replace(row, numbers={**row.numbers, "idle_power": (idle,)})
    with pytest.raises(InfeasibleError, match=r"770 W.*less than 700 W") as refused:
        chip_of(broken)
    assert refused.value.key == "H100-SXM5-80GB.idle_power"
    assert chip_of(row).idle_power < chip_of(row).power_limit


def test_two_commands_price_a_chip_alike() -> None:
    """`plan-training`, `run` and the accelerators of a pathway that wait buy at one price in one year."""
    from gigawatt.chain.leaves import fill_leaves
    from gigawatt.chain.training.question import read_question
    from gigawatt.schema.changed import scenario_of

    words = {"model": "llama-3.1-8b", "machine.chip": "H100", "machine.count": 64, "site.name": "texas",
             "training.tokens": "1T tokens", "year": 2028}  # fmt: skip
    leaves, _ = fill_leaves(scenario_of(words, Path("question")))
    asked = read_question(model="llama-3.1-8b", chip="H100", tokens="1T tokens", year=2028)
    price = bought_in(load_chip("H100"), 2028).price
    assert leaves["machine.chip"].value.price == asked.chip.price == price
