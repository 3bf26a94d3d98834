"""The held-out rows: complete, consistent with themselves, none of them among the rows that are fitted to."""

from __future__ import annotations

import csv
import re
import zlib
from collections import Counter
from pathlib import Path

import pytest

from gigawatt.machine import load_chip
from gigawatt.validation.files import data_folder
from gigawatt.validation.rows import TARGETS, read_rows

FILES = (data_folder() / "training_more.csv", data_folder() / "training_held_out.csv")
"""Rows gathered after ``training.csv``: of some sources to fit to, of the others to judge only."""
FITTED = data_folder() / "training.csv"
SAME = 0.005
"""Step times nearer than this, of one accelerator, count, sequence and batch, are taken for one run."""
ROUNDED = 0.006
"""Relative rounding of printed rates."""
FLOP_PER_PARAMETER = 6.0
LEAST_USE, MOST_USE = 0.005, 0.8
"""Bounds of the share of the datasheet's rate that the matrix multiplications of the weights alone need."""
MOST_MEMORY = 1.08
"""Share of the datasheet's memory that a run may report: some sources write GiB where the sheet has GB."""
SHAPE = ("params_b", "active_params_b", "layers", "hidden", "heads", "kv_heads", "ffn", "vocab")


def records(file: Path) -> list[dict[str, str]]:
    with file.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


ROWS = [row for file in FILES for row in records(file)]


def number(row: dict[str, str], column: str) -> float | None:
    return float(row[column]) if row[column] else None


def step_time(row: dict[str, str]) -> float | None:
    seconds, sequence, batch = number(row, "step_time_s"), number(row, "seq_len"), number(row, "global_batch")
    if seconds is not None or sequence is None or batch is None:
        return seconds
    rate = number(row, "tokens_per_s")
    each, count = number(row, "tokens_per_s_per_gpu"), number(row, "n_accel")
    if rate is None and each is not None and count is not None:
        rate = each * count
    return None if rate is None else sequence * batch / rate


def run_of(row: dict[str, str]) -> tuple[str, float | None, float | None, float | None]:
    bare = re.sub(r"\s*\(.*?\)", "", row["accelerator"])
    return bare, number(row, "n_accel"), number(row, "seq_len"), number(row, "global_batch")


def failures(check: str, wrong: list[str]) -> None:
    assert not wrong, f"{check}: {', '.join(wrong[:10])}"


def test_columns_are_those_of_the_fitted_table() -> None:
    for file in FILES:
        with file.open(encoding="utf-8") as more, FITTED.open(encoding="utf-8") as fitted:
            assert more.readline().strip() == fitted.readline().strip()


def test_the_reader_takes_every_row() -> None:
    assert [row.id for file in FILES for row in read_rows(file)] == [row["id"] for row in ROWS]


def test_ids_are_unique_and_in_order() -> None:
    assert sorted(row["id"] for row in ROWS) == [f"H{i:04d}" for i in range(1, len(ROWS) + 1)]


def test_a_makers_sources_are_fitted_or_held_out_as_a_whole() -> None:
    """By the checksum of the first word of a source, so that nobody chose which."""
    for file, parity in zip(FILES, (0, 1), strict=True):
        for row in records(file):
            assert zlib.crc32(row["source"].split()[0].encode()) % 2 == parity, row["id"]


@pytest.mark.parametrize(
    "column",
    [
        "source",
        "source_loc",
        "year",
        "accelerator",
        "n_accel",
        "model",
        "seq_len",
        "global_batch",
        "precision",
    ],
)
def test_every_row_says_it(column: str) -> None:
    failures(f"empty {column}", [row["id"] for row in ROWS if not row[column].strip()])


def test_every_row_measures_and_names_what_it_measured() -> None:
    failures("nothing measured", [row["id"] for row in ROWS if not any(row[name] for name in TARGETS)])
    failures("reported metric is empty", [r["id"] for r in ROWS if not r.get(r["reported_metric"])])
    failures("no step time follows", [row["id"] for row in ROWS if step_time(row) is None])


def test_only_rows_that_were_read() -> None:
    assert {row["confidence"] for row in ROWS} <= {"A", "A-", "B"}
    failures("B without a note", [r["id"] for r in ROWS if r["confidence"] == "B" and not r["notes"].strip()])


def test_shapes_are_whole() -> None:
    failures("shape", [row["id"] for row in ROWS if any(not row[name] for name in SHAPE)])
    failures(
        "experts without top-k", [row["id"] for row in ROWS if bool(row["n_experts"]) != bool(row["topk"])]
    )


def test_active_parameters_are_no_more_than_all() -> None:
    wrong = []
    for row in ROWS:
        all_, active = number(row, "params_b"), number(row, "active_params_b")
        assert all_ is not None
        assert active is not None
        if active > all_ or (active < all_) != bool(row["n_experts"]):
            wrong.append(row["id"])
    failures("active parameters", wrong)


def test_degrees_multiply_to_the_accelerators() -> None:
    wrong = []
    for row in ROWS:
        degrees = [number(row, name) for name in ("TP", "PP", "DP")]
        if None in degrees:
            continue
        product = number(row, "CP") or 1.0
        for degree in degrees:
            product *= degree or 1.0
        if product != number(row, "n_accel"):
            wrong.append(row["id"])
    failures("TP x PP x CP x DP is not n_accel", wrong)


def test_batches_divide_over_ranks_and_microbatches() -> None:
    wrong = []
    for row in ROWS:
        batch, micro, data = (number(row, name) for name in ("global_batch", "microbatch", "DP"))
        if batch and micro and data and batch % (micro * data):
            wrong.append(row["id"])
    failures("batch", wrong)


def test_rates_agree_with_the_step_time() -> None:
    wrong = []
    for row in ROWS:
        each, all_, count = (number(row, n) for n in ("tokens_per_s_per_gpu", "tokens_per_s", "n_accel"))
        seconds, sequence, batch = (number(row, n) for n in ("step_time_s", "seq_len", "global_batch"))
        assert count
        assert sequence
        assert batch
        if each and all_ and abs(each * count / all_ - 1.0) > ROUNDED:
            wrong.append(row["id"])
        if seconds and all_ and abs(all_ * seconds / (sequence * batch) - 1.0) > ROUNDED:
            wrong.append(row["id"])
    failures("rates", wrong)


def test_memory_is_no_more_than_the_accelerator_has() -> None:
    wrong = []
    for row in ROWS:
        used = number(row, "mem_gib")
        chip = load_chip(re.sub(r"\s*\((?!per).*?\)", "", row["accelerator"]))
        if used is not None and used * 2**30 > MOST_MEMORY * chip.memory_bytes:
            wrong.append(f"{row['id']} {used}")
    failures("memory", wrong)


def test_no_run_is_faster_than_its_accelerators() -> None:
    wrong = []
    for row in ROWS:
        chip = load_chip(re.sub(r"\s*\((?!per).*?\)", "", row["accelerator"]))
        widest = max(rate for name, rate in chip.peak.items() if not name.startswith("fp4"))
        peak = chip.peak.get("fp4", widest) if "fp4" in row["precision"] else widest
        if row["precision"].startswith(("bf16", "fp16")):
            peak = chip.peak["bf16"]
        active, seconds, count = number(row, "active_params_b"), step_time(row), number(row, "n_accel")
        sequence, batch = number(row, "seq_len"), number(row, "global_batch")
        assert active and seconds and count and sequence and batch  # noqa: PT018 - all of them are required above
        used = FLOP_PER_PARAMETER * active * 1e9 * sequence * batch / (seconds * count * peak)
        if not LEAST_USE < used < MOST_USE:
            wrong.append(f"{row['id']} {used:.2f}")
    failures("share of the datasheet's rate", wrong)


def test_no_source_and_no_run_is_fitted_to() -> None:
    fitted = records(FITTED)
    assert not {row["source"] for row in ROWS} & {row["source"] for row in fitted}
    runs: dict[object, list[tuple[str, float]]] = {}
    for row in fitted:
        seconds = step_time(row)
        if seconds is not None:
            runs.setdefault(run_of(row), []).append((row["id"], seconds))
    wrong = []
    for row in ROWS:
        seconds = step_time(row)
        assert seconds is not None
        for other, known in runs.get(run_of(row), []):
            if abs(seconds / known - 1.0) < SAME:
                wrong.append(f"{row['id']} is {other}")
    failures("the same run in both tables", wrong)


def test_the_rows_are_of_many_kinds() -> None:
    sources = Counter(row["source"] for row in ROWS)
    assert len(sources) >= 12
    assert max(sources.values()) <= len(ROWS) // 4
    kinds = {
        "experts": sum(bool(row["n_experts"]) for row in ROWS),
        "AMD": sum(row["accelerator"].startswith("MI") for row in ROWS),
        "TPU": sum(row["accelerator"].startswith("TPU") for row in ROWS),
        "memory": sum(bool(row["mem_gib"]) for row in ROWS),
        "long": sum((number(row, "seq_len") or 0) >= 32768 for row in ROWS),
    }
    least = {"experts": 30, "AMD": 30, "TPU": 20, "memory": 25, "long": 15}
    failures("too few", [f"{kind} {kinds[kind]}" for kind in least if kinds[kind] < least[kind]])
