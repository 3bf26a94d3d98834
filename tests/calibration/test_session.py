"""A calibration of a made device, on its own clock: budget, fit, kin, interrupt, what is refused."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pytest
from made_device import NAME, MadeDevice

from gigawatt.calibration import measure as measuring
from gigawatt.calibration.calibrate import Calibration, Session
from gigawatt.calibration.measure import COLUMNS, Measured, make_row, median_time, write_rows
from gigawatt.calibration.plan import Job
from gigawatt.calibration.user import check_name, default_name, same_device
from gigawatt.catalog import loader
from gigawatt.core.errors import InfeasibleError, InputError
from gigawatt.machine.load import load_chip


@pytest.fixture(autouse=True)
def _no_catalog_is_left() -> Iterator[None]:
    yield
    loader._chosen.clear()
    loader.forget()


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> MadeDevice:
    device = MadeDevice()
    monkeypatch.setattr(measuring.time, "monotonic", device.monotonic)
    return device


def session(device: MadeDevice, folder: Path, **more: object) -> Session:
    given = {
        "seconds": 4.0,
        "formats": ["bf16", "fp32", "fp8"],
        "name": "",
        "like": "",
        "folder": folder,
    } | more
    return Session(device, **given)  # type: ignore[arg-type]


def scores(done: Calibration) -> dict[tuple[str, str, bool], float]:
    return {(s.kind, s.number_format, s.judged): s.median for s in done.scores}


def test_the_row_predicts_shapes_that_it_did_not_fit(made: MadeDevice, tmp_path: Path) -> None:
    done = session(made, tmp_path).run()
    found = scores(done)
    assert found["gemm", "bf16", True] < 0.06
    assert found["gemm", "fp8", True] < 0.10
    assert found["attention", "bf16", True] < 0.10
    assert found["attention backward", "bf16", True] < 0.12
    assert done.same == "H100-SXM5-80GB"
    assert done.ratios["gemm bf16"] == pytest.approx(1.0, abs=0.03)
    assert any("fp32 is left out: no" in notice for notice in done.measured.notices)
    assert made.time < 4.0 * 1.2


def test_a_slower_machine_is_said_to_be_slower_and_predicted_so(made: MadeDevice, tmp_path: Path) -> None:
    made.slower = 1.3
    done = session(made, tmp_path, formats=["bf16"]).run()
    assert done.ratios["gemm bf16"] == pytest.approx(1.3, rel=0.03)
    assert scores(done)["gemm", "bf16", True] < 0.06


def test_numbers_that_are_taken_over_are_guesses_with_a_reason(made: MadeDevice, tmp_path: Path) -> None:
    done = session(made, tmp_path, formats=["bf16"]).run()
    chip, like = load_chip(done.name), load_chip("H100-SXM5-80GB")
    assert chip.peak == like.peak
    assert chip.evidence["peak_bf16"].grade == like.evidence["peak_bf16"].grade
    assert (chip.power_limit, chip.evidence["power_limit"].grade.label) == (690.0, "measured")
    assert chip.price == pytest.approx(like.price, rel=1e-5)  # six digits are written
    assert chip.evidence["price"].grade.label == "guess"
    assert "not measured here: that of H100-SXM5-80GB" in chip.evidence["price"].note
    assert all(row.where.startswith("user/") for row in loader.entity("chips", done.name).rows())
    assert NAME in loader.source(f"calibrate-{done.name}").title


def test_an_unknown_device_has_the_rates_that_it_reached(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made = MadeDevice(name="Novel Accelerator 9", noise=0.0)
    monkeypatch.setattr(measuring.time, "monotonic", made.monotonic)
    done = session(made, tmp_path, formats=["bf16"], like="A100", name="NOVEL").run()
    chip = load_chip("NOVEL")
    best = max(
        2.0 * float(r["m"]) * r["n"] * r["k"] / (float(r["latency_ms"]) * 1e-3)
        for r in done.measured.of("gemm")
    )  # type: ignore[operator,arg-type]
    assert chip.peak == {"bf16": pytest.approx(best, rel=1e-4)}
    assert chip.evidence["peak_bf16"].grade.label == "measured"
    assert chip.memory_bandwidth == pytest.approx(3.0e12, rel=0.02)
    assert chip.evidence["die_area"].note.endswith("that of A100-SXM4-80GB, named with --like")
    assert scores(done)["gemm", "bf16", True] < 0.06
    assert done.same == ""
    assert done.ratios == {}


def test_again_replaces_its_own_rows_and_keeps_others(made: MadeDevice, tmp_path: Path) -> None:
    session(made, tmp_path, formats=["bf16"], name="ONE").run()
    session(made, tmp_path, formats=["bf16"], name="TWO").run()
    before = {file.name: len(file.read_text().splitlines()) for file in tmp_path.glob("*.csv")}
    session(made, tmp_path, formats=["bf16"], name="ONE").run()
    assert {file.name: len(file.read_text().splitlines()) for file in tmp_path.glob("*.csv")} == before
    assert {"ONE", "TWO"} <= set(loader.user_catalog()["chips"])
    assert not list(tmp_path.rglob(".*"))


def test_an_interrupt_leaves_a_marked_file_and_no_chip(made: MadeDevice, tmp_path: Path) -> None:
    made.stop_at = 400
    one = session(made, tmp_path)
    with pytest.raises(KeyboardInterrupt):
        one.run()
    with one.table.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == len(one.measured.rows) > 10
    assert {row["partial"] for row in rows} == {"1"}
    assert [file.name for file in tmp_path.rglob("*") if file.is_file()] == [one.table.name]


def test_the_measured_table_is_read_back(made: MadeDevice, tmp_path: Path) -> None:
    measured = Measured(made.device)
    job = Job("gemm", "bf16", 512, 256, 128, "tn", training=True)
    measured.rows.append(make_row(made.device, job, "it's", (1.5e-3, 0.01, 7)))
    for name in ("t.csv", "t.parquet"):
        write_rows(measured, tmp_path / "a folder's" / name)
        file = str(tmp_path / "a folder's" / name).replace("'", "''")
        found = duckdb.sql(
            f"select op_name, gemm_dtype, m, n, k, latency_ms, partial from '{file}'"
        ).fetchall()
        assert found == [("gemm", "bfloat16", 512, 256, 128, 1.5, 0)]
    assert len(set(COLUMNS)) == len(COLUMNS)


def test_a_median_is_taken_until_it_stands_still(made: MadeDevice) -> None:
    call = lambda: 1e-3  # noqa: E731
    made.noise = 0.001
    median, error, quiet = median_time(made, call, 10.0)
    assert median == pytest.approx(1e-3, rel=0.01)
    assert error <= 0.01
    made.noise = 0.3
    _, _, noisy = median_time(made, call, 10.0)
    assert quiet < noisy
    _, _, few = median_time(made, call, 4e-3)
    assert few < noisy


def test_a_machine_that_drifts_is_told(
    made: MadeDevice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = MadeDevice.sample

    def drifting(self: MadeDevice, call: object, repeats: int) -> list[float]:
        self.slower = 1.0 if self.time < 2.0 else 1.6
        return sample(self, call, repeats)  # type: ignore[arg-type]

    monkeypatch.setattr(MadeDevice, "sample", drifting)
    done = session(made, tmp_path, formats=["bf16"]).run()
    assert any("varied by a factor of 1.6" in notice for notice in done.measured.notices)


def test_a_shape_that_fails_is_left_out_with_a_notice(
    made: MadeDevice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare = MadeDevice.prepare

    def failing(self: MadeDevice, job: Job) -> object:
        if job.operation == "gemm" and job.m > 4096:
            raise MemoryError
        if job.operation == "context_attention":
            raise RuntimeError("no kernel\nand a long trace")
        return prepare(self, job)

    monkeypatch.setattr(MadeDevice, "prepare", failing)
    done = session(made, tmp_path, formats=["bf16"]).run()
    notices = done.measured.notices
    assert any("not enough memory" in notice for notice in notices)
    assert sum("no kernel" in notice for notice in notices) == 3
    assert not any("long trace" in notice for notice in notices)
    assert not done.measured.of("context_attention")
    assert scores(done)["gemm", "bf16", True] < 0.08


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"seconds": 1.0}, "--seconds: too little time"),
        ({"seconds": float("nan")}, "--seconds: too little time"),
        ({"formats": ["bf61"]}, "--formats: this number format is not measured; given 'bf61'.*mean 'bf16'"),
        ({"name": "H100"}, r"--name: the catalog has a chip of this name \(H100-SXM5-80GB\)"),
        ({"name": "a b"}, "--name: this is no name for a chip"),
        ({"like": "H1000"}, "no such entry in the catalog's chips; given 'H1000'"),
    ],
)
def test_what_is_refused_before_anything_is_measured(
    made: MadeDevice, tmp_path: Path, given: dict[str, object], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        session(made, tmp_path, **given)
    assert made.calls == 0
    assert [*tmp_path.iterdir()] == []


def test_formats_that_the_device_lacks(made: MadeDevice, tmp_path: Path) -> None:
    with pytest.raises(
        InfeasibleError, match=r"runs none of these number formats; given 'fp32'; allowed: bf16"
    ):
        session(made, tmp_path, formats=["fp32"])


@pytest.mark.parametrize(
    ("device", "memory", "chip"),
    [
        (NAME, 85e9, "H100-SXM5-80GB"),
        ("NVIDIA H100 PCIe", 85e9, "H100-PCIe-80GB"),
        ("NVIDIA H100 NVL", 100e9, "H100-NVL-94GB"),
        ("NVIDIA H200", 150e9, "H200-SXM-141GB"),
        ("NVIDIA A100-SXM4-40GB", 42.4e9, "A100-SXM4-40GB"),
        ("NVIDIA A100-SXM4-80GB", 85e9, "A100-SXM4-80GB"),
        ("NVIDIA A100 80GB PCIe", 85e9, "A100-PCIe-80GB"),
        ("NVIDIA B200", 191e9, "B200-SXM-180GB"),
        ("Tesla V100-SXM2-32GB", 34e9, "V100-SXM2-32GB"),
        ("NVIDIA GeForce RTX 4090", 25.3e9, "RTX-4090"),
        ("AMD Instinct MI300X", 206e9, "MI300X"),
        ("NVIDIA A10G", 24e9, None),
        ("NVIDIA GeForce RTX 3060", 12.6e9, None),
        ("Intel(R) Xeon(R) Platinum 8480+", 1e12, None),
    ],
)
def test_a_drivers_name_finds_the_chip(device: str, memory: float, chip: str | None) -> None:
    """Names as ``nvidia-smi -L`` and ``rocm-smi`` print them; none where the catalog has no such device."""
    found = same_device(measuring.Device(device, "GPU", "torch", "2", 1, memory, 0.0))
    assert (found.id if found else None) == chip
    assert check_name(default_name(measuring.Device(device, "GPU", "torch", "2", 1, memory, 0.0)))


def test_fits_are_in_the_units_of_the_catalog(made: MadeDevice, tmp_path: Path) -> None:
    """Predicted for a training shape by the row: within the noise of what the made device takes."""
    from gigawatt.calibration.report import predicted_times

    done = session(made, tmp_path, formats=["bf16"]).run()
    row = make_row(made.device, Job("gemm", "bf16", 4096, 14336, 4096), "made", (1.0, 0.0, 1))
    ratio = predicted_times(load_chip(done.name), [row], "bf16") / predicted_times(made.chip, [row], "bf16")
    assert np.all(np.abs(ratio - 1.0) < 0.08)
