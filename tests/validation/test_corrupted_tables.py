"""Tables of a user: whatever a cell holds, a scorecard of one shape, or one line that says where."""

from __future__ import annotations

import csv
import random
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from gigawatt.core.errors import GigawattError
from gigawatt.validation import TABLES, validate
from gigawatt.validation.files import data_folder
from gigawatt.validation.rows import cells_of

SUMMARY = ("n", "mape", "median_ape", "p90_ape", "bias", "coverage90")
KEYS = (
    "table", "rows", "predicted", "refused", "refused_reasons", "parameters_fitted", "overall", "groups",
)  # fmt: skip
CHECK = ("part", "what", "ours", "published", "unit", "error", "tolerance", "ok", "fitted", "source")
CELLS = (
    "", "many", "-1", "0", "0.5", "1e400", "-1e400", "nan", "NaN", "1e308", "1e-308", str(10**30), "9" * 400,
    "7", "3", "true", "h100", "NVIDIA A100", "h200 sxm", "b200", "MI300X", "TPU v5p", "Abacus", "llama-9-1b",
    "qwen3-32b", "gpt-oss-120b", "fp8", "int3", "tp8 pp1 dp1 mtp1 ep0", "tp0 pp0 dp0 mtp0 ep0", "12,5", "八",
)  # fmt: skip
"""What a cell is replaced by."""
TABLE_FILES = (
    ("training", "training.csv"),
    ("training", "training_held_out.csv"),
    ("training", "training_more.csv"),
    ("memory", "memory.csv"),
    ("power", "power.csv"),
    ("power", "serving_power.csv"),
    ("serving", "serving.parquet"),
    ("kernels", "kernels.csv"),
)
SWEEP = ("op_name", "num_gpus", "message_size", "nccl_dtype", "latency_ms")
COLLECTIVES = tuple(
    (operation, ranks, str(2**size), "half", str(0.02 + 2.0**size / 1e8))
    for operation in ("all_reduce", "alltoall", "all_gather")
    for ranks in ("2", "8")
    for size in (12, 20, 25)
)
OPEN = "open-loop rate"
Rows = Sequence[Mapping[str, str]]


def shaped(answer: Mapping[str, object], table: str) -> None:
    """The agreed keys in their order, and that every row is in one of the two counts."""
    assert tuple(answer)[: len(KEYS)] == KEYS
    assert ("checks" in answer) == (not TABLES[table].card)
    assert answer["table"] == table
    assert answer["rows"] == answer["predicted"] + answer["refused"]  # type: ignore[operator]
    reasons = answer["refused_reasons"]
    assert isinstance(reasons, dict)
    assert sum(reasons.values()) == answer["refused"]
    assert all(isinstance(count, int) and count > 0 and reason for reason, count in reasons.items())
    assert answer.get("refused_first", {}).keys() == reasons.keys()  # type: ignore[attr-defined]
    overall, groups = answer["overall"], answer["groups"]
    assert isinstance(overall, dict)
    assert tuple(overall)[: len(SUMMARY)] == SUMMARY
    assert isinstance(groups, list)
    for group in groups:
        assert tuple(group)[:7] == ("group", *SUMMARY)
        assert isinstance(group["n"], int)
        for figure in SUMMARY[1:]:
            assert group[figure] is None or abs(group[figure]) < float("inf")


def one_line(error: GigawattError, file: str = "mine.csv") -> None:
    """File, line and column; what a terminal prints before it exits with 2."""
    assert "\n" not in str(error)
    assert error.exit_code == 2
    assert file in str(error)
    assert error.line is not None or error.key == "--rows", str(error)


QUICK_PARTS = {
    "goodput": ("runs",), "adequacy": ("systems",), "supply": ("resource",),
    "technologies": ("quantum.speed_ups", "cost"),
    "outlook": ("costs",),
}  # fmt: skip


#: Judges every shipped row of every kind: half a minute.
WHOLE = "uncertainty"


@pytest.mark.parametrize(
    "table", [pytest.param(name, marks=pytest.mark.apart) if name == WHOLE else name for name in TABLES]
)
def test_every_table_has_the_one_shape(table: str, tmp_path: Path) -> None:
    if table in QUICK_PARTS:
        answer = validate(table, parts=QUICK_PARTS[table]).to_json()
        assert all(tuple(check) == CHECK for check in answer["checks"])
        assert answer["rows"] == len(answer["checks"]) > 0
    elif table in ("collectives", "chain", "timelines", "prices", WHOLE):
        answer = validate(table).to_json()
    else:
        header, rows = small(next(file for name, file in TABLE_FILES if name == table))
        answer = validate(table, write(tmp_path / "mine.csv", header, rows[:3])).to_json()
    shaped(answer, table)
    assert answer["predicted"] + answer["refused"] > 0


def write(file: Path, header: Sequence[str], rows: Rows) -> Path:
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, header)
        writer.writeheader()
        writer.writerows(rows)
    return file


def corrupted(rows: Rows, header: Sequence[str], rng: random.Random) -> Rows:
    """Copies with one to three cells of each row replaced."""
    made = [dict(row) for row in rows]
    for row in made:
        for column in rng.sample(list(header), rng.randint(1, 3)):
            row[column] = rng.choice(CELLS)
    return made


def small(name: str) -> tuple[list[str], list[Mapping[str, str]]]:
    """Few rows of a shipped table, quick ones, of as many kinds as it has."""
    header, cells = cells_of(data_folder() / name)
    rows = [dict(row) for _, row in cells]
    if name.startswith(("training", "memory")):
        rows = [row for row in rows if row["TP"] and row["PP"] and float(row["n_accel"] or 0) <= 1024]
    if name == "serving.parquet":
        rows = [row for row in rows if OPEN not in row["regime"]]
    step = max(len(rows) // 40, 1)
    return list(header), rows[::step]


def draws(name: str, file: str, count: int, each: int) -> Iterator[tuple[list[str], Rows]]:
    rng = random.Random(f"{name} {file}")
    header, rows = small(file)
    for _ in range(count):
        yield header, corrupted(rng.sample(rows, min(each, len(rows))), header, rng)


@pytest.mark.parametrize(("table", "file"), TABLE_FILES)
def test_a_corrupted_table_is_a_scorecard_or_one_line(table: str, file: str, tmp_path: Path) -> None:
    outcomes = {"scorecard": 0, "line": 0}
    for header, rows in draws(table, file, 24, 3):
        path = write(tmp_path / "mine.csv", header, rows)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                card = validate(table, path)
            except GigawattError as error:
                outcomes["line"] += 1
                one_line(error)
                continue
        outcomes["scorecard"] += 1
        assert card.rows == len(rows)
        shaped(card.to_json(), table)
    assert min(outcomes.values()) > 0, outcomes


@pytest.mark.parametrize(("table", "file"), TABLE_FILES)
def test_numbers_that_no_run_can_have_are_refused_and_counted(table: str, file: str, tmp_path: Path) -> None:
    """A number is read, so the file has its shape: no error at all, and as many rows as were given."""
    rng = random.Random(file)
    header, rows = small(file)
    texts = {column for column in header for row in rows if row[column] and not _is_number(row[column])}
    numeric = [column for column in header if column not in texts]
    numbers = ("0", "-1", "1e400", "-1e400", "1e308", "1e-300", str(10**30), "nan", "")
    for _ in range(12):
        made = [dict(row) for row in rng.sample(rows, 3)]
        for row in made:
            row[rng.choice(numeric)] = rng.choice(numbers)
        card = validate(table, write(tmp_path / "mine.csv", header, made))
        assert card.rows == 3
        shaped(card.to_json(), table)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def test_a_corrupted_sweep_of_collectives(tmp_path: Path) -> None:
    import duckdb

    rng = random.Random(5)
    base = [dict(zip(SWEEP, row, strict=True)) for row in COLLECTIVES]
    for _ in range(30):
        plain = write(tmp_path / "sweep.csv", SWEEP, corrupted(rng.sample(base, 6), SWEEP, rng))
        file = tmp_path / "nccl__h100_sxm.parquet"
        duckdb.sql(f"COPY (SELECT * FROM read_csv('{plain}', all_varchar=true)) TO '{file}' (FORMAT parquet)")
        try:
            shaped(validate("collectives", file).to_json(), "collectives")
        except GigawattError as error:
            one_line(error, "nccl__h100_sxm.parquet")


@pytest.mark.parametrize("row", ["rate", "unknown", "endless"])
def test_runs_at_a_rate(row: str, tmp_path: Path) -> None:
    header, cells = cells_of(data_folder() / "serving.parquet")
    one = next(dict(record) for _, record in cells if OPEN in record["regime"])
    one |= {"rate": {"request_rate": "0"}, "unknown": {"model": "mystery"}, "endless": {"isl": "1e400"}}[row]
    card = validate("serving", write(tmp_path / "mine.csv", header, [one]))
    assert (card.rows, card.refused) == (1, 1)


@pytest.mark.parametrize(
    ("name", "chip"),
    [
        ("h100", "H100-SXM5-80GB"), ("NVIDIA H100 SXM", "H100-SXM5-80GB"), ("sxm h100", "H100-SXM5-80GB"),
        ("nvidia-h100-sxm", "H100-SXM5-80GB"),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    ("table", "file", "column"),
    [
        ("training", "training.csv", "accelerator"),
        ("memory", "memory.csv", "accelerator"),
        ("power", "power.csv", "chip"),
        ("power", "serving_power.csv", "accelerator"),
        ("serving", "serving.parquet", "accelerator"),
        ("kernels", "kernels.csv", "chip"),
    ],
)
def test_devices_have_any_of_their_names(
    table: str, file: str, column: str, name: str, chip: str, tmp_path: Path
) -> None:
    header, rows = small(file)
    own = [row for row in rows if row.get("kind") in (None, "gpu", "step", "decode", "gemm")][:3]
    if file == "power.csv":
        own = [row for row in cells_rows(file) if row["kind"] == "step" and "H100" in row["chip"]][:1]
    first, second = (
        validate(table, write(tmp_path / "mine.csv", header, [{**row, column: said} for row in own]))
        for said in (chip, name)
    )
    assert first.predicted == second.predicted > 0
    assert first.overall.mape == pytest.approx(second.overall.mape)


def cells_rows(file: str) -> Rows:
    return [row for _, row in cells_of(data_folder() / file)[1]]


@pytest.mark.parametrize(
    ("table", "file", "column", "given", "reason", "words"),
    [
        ("training", "training.csv", "accelerator", "H1000", "accelerator is not in the cat", "did you mean"),
        ("training", "training.csv", "EP", "0", "EP is out of range", "1 or more"),
        ("training", "training.csv", "zero_stage", "7", "ZeRO stage is not known", "0, 1, 2, 3"),
        ("training", "training.csv", "recompute", "some", "recomputation is not known", "selective"),
        ("training", "training.csv", "precision", "bf17", "number format is not known", "bf16"),
        ("memory", "memory.csv", "accelerator", "H1000", "accelerator is not in the cat", "did you mean"),
        ("power", "power.csv", "use", "many", "use that is not known", "judge"),
        ("power", "serving_power.csv", "use", "many", "use that is not known", "judge"),
        ("kernels", "kernels.csv", "chip", "H1000", "accelerator is not in the cat", "did you mean"),
        ("serving", "serving.parquet", "EP", "-2", "EP is out of range", "-2"),
        ("serving", "serving.parquet", "parallel_detail", "wide", "layout cannot be read", "tp8 pp1"),
        ("serving", "serving.parquet", "mode", "both", "mode is not known", "agg, offline"),
    ],
)  # fmt: skip
def test_a_refused_row_says_where_and_what(
    table: str, file: str, column: str, given: str, reason: str, words: str, tmp_path: Path
) -> None:
    header, rows = small(file)
    path = write(tmp_path / "mine.csv", header, [{**rows[0], column: given, "id": ""}] if "id" in header
                 else [{**rows[0], column: given}])  # fmt: skip
    card = validate(table, path)
    assert (card.rows, card.refused) == (1, 1)
    ((found, first),) = card.to_json()["refused_first"].items()
    assert reason in found
    assert first.startswith("line 2: ")
    assert given in first
    assert words in first


@pytest.mark.parametrize(
    ("table", "file", "column", "written"),
    [
        ("training", "training.csv", "step_time_s", "step_time_ms"),
        ("training", "training.csv", "TP", "tp"),
        ("memory", "memory.csv", "microbatch", "microbatches"),
        ("serving", "serving.parquet", "TTFT_ms", "TTFT_s"),
        ("power", "serving_power.csv", "kind", "kinds"),
    ],
)
def test_a_column_that_is_nearly_known_is_named(
    table: str, file: str, column: str, written: str, tmp_path: Path
) -> None:
    header, rows = small(file)
    names = [written if name == column else name for name in header]
    path = write(tmp_path / "mine.csv", names, [dict(zip(names, rows[0].values(), strict=True))])
    with pytest.raises(GigawattError, match=rf"mine\.csv:1: {written}: .*did you mean '{column}'"):
        validate(table, path)


def test_two_columns_of_one_name(tmp_path: Path) -> None:
    header, _ = small("training.csv")
    path = tmp_path / "mine.csv"
    path.write_text(",".join([*header, "TP"]) + "\n" + "," * len(header) + "\n", encoding="utf-8")
    with pytest.raises(GigawattError, match=r"mine\.csv:1: TP: two columns of this name"):
        validate("training", path)


@pytest.mark.parametrize(
    ("device", "as_if"), [("h100_sxm", "h100_sxm"), ("NVIDIA H100 SXM", "h100_sxm"), ("l40s", "L40S")]
)
def test_a_sweep_has_its_device_by_any_name(device: str, as_if: str, tmp_path: Path) -> None:
    rows = [dict(zip(SWEEP, row, strict=True)) for row in COLLECTIVES]
    first, second = (
        validate("collectives", write(tmp_path / f"nccl__{name}.csv", SWEEP, rows))
        for name in (device, as_if)
    )
    assert first.to_json() == second.to_json()
    assert first.predicted > 0


def test_a_sweep_of_another_chip_is_timed_over_its_own_link(tmp_path: Path) -> None:
    rows = [dict(zip(SWEEP, row, strict=True)) for row in COLLECTIVES]
    card = validate("collectives", write(tmp_path / "nccl__MI300X.csv", SWEEP, rows))
    assert card.predicted == len(rows)
    assert all(group.group.endswith("| judge") and "MI300X" in group.group for group in card.groups)


def test_a_sweep_of_no_chip_is_one_line(tmp_path: Path) -> None:
    rows = [dict(zip(SWEEP, row, strict=True)) for row in COLLECTIVES]
    with pytest.raises(GigawattError, match=r"nccl__h100_sxn\.csv: no such device.*did you mean 'h100_sxm'"):
        validate("collectives", write(tmp_path / "nccl__h100_sxn.csv", SWEEP, rows))


SHARED = Path(__file__).parents[2].parent / "shared" / "data"


@pytest.mark.skipif(not SHARED.is_dir(), reason="the measured tables beside the project are not here")
@pytest.mark.parametrize(
    ("table", "file"),
    [
        ("collectives", "kernels/nccl__h100_sxm.parquet"),
        ("collectives", "kernels/nccl__gb200.parquet"),
        ("kernels", "kernels/gemm__l40s.parquet"),
        ("kernels", "kernels/moe__l40s.parquet"),
        ("kernels", "kernels/generation_mla__l40s.parquet"),
    ],
)
def test_tables_beside_the_project_are_taken(table: str, file: str) -> None:
    card = validate(table, SHARED / file)
    assert card.predicted > 100
    shaped(card.to_json(), table)


@pytest.mark.parametrize("table", [name for name, one in TABLES.items() if one.card])
def test_a_file_of_another_shape_is_one_line(table: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    for text in ("", "a,b\n1,2\n", "\x00\x01", "accelerator,model\nH100,llama-3.1-8b\n"):
        file.write_text(text, encoding="utf-8")
        with pytest.raises(GigawattError) as caught:
            validate(table, file)
        assert "mine.csv" in str(caught.value)
        assert "\n" not in str(caught.value)
    with pytest.raises(GigawattError, match=r"nowhere\.csv"):
        validate(table, tmp_path / "nowhere.csv")
