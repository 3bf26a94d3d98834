"""The reader of measured tables: what it takes, and the one line that a bad file gets."""

from __future__ import annotations

from pathlib import Path

import pytest

from gigawatt.core.errors import InputError, MissingDataError
from gigawatt.validation import validate
from gigawatt.validation.files import data_folder, rows_file
from gigawatt.validation.rows import NUMBERS, TEXTS, read_rows
from gigawatt.validation.training.network import scale_out_bandwidth, scale_out_link

HEADER = "id,source,accelerator,model,precision,n_accel,seq_len,global_batch,step_time_s"
GOOD = "T1,somebody,H100,llama3-8b,bf16,8,8192,128,9.5"


def write(folder: Path, text: str, name: str = "rows.csv") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def test_a_row_is_typed_and_empty_cells_are_absent(tmp_path: Path) -> None:
    file = write(tmp_path, f"{HEADER},TP,notes\n{GOOD},,\nT2,a,b,c,fp8,16,nan,8,1.5,4,hello\n")
    first, second = read_rows(file)
    assert (first.id, first.line, first.count("n_accel"), first.number("step_time_s")) == ("T1", 2, 8, 9.5)
    assert first.count("TP") is None
    assert first.text("notes") == ""
    assert (second.line, second.count("seq_len"), second.count("TP"), second.text("notes")) == (
        3,
        None,
        4,
        "hello",
    )


def test_parquet_and_csv_say_the_same(tmp_path: Path) -> None:
    import duckdb

    file = write(tmp_path, f"{HEADER}\n{GOOD}\n")
    parquet = tmp_path / "rows.parquet"
    duckdb.sql(f"COPY (SELECT * FROM read_csv('{file}')) TO '{parquet}' (FORMAT parquet)")
    (by_csv,), (by_parquet,) = read_rows(file), read_rows(parquet)
    assert by_csv.numbers == by_parquet.numbers
    assert by_csv.texts == by_parquet.texts


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", ":1: source: this column is missing"),
        (HEADER.replace("seq_len", "seq_length") + "\n", "seq_len: this column is missing"),
        (HEADER.replace("seq_len", "seq_length") + "\n", "did you mean 'seq_length'?"),
        (HEADER.replace(",step_time_s", "") + "\n", "no column holds a measurement"),
        (f"{HEADER}\n{GOOD}\n{GOOD.replace('9.5', 'fast')}\n", ":3: step_time_s: not a number; given 'fast'"),
        (
            f"{HEADER}\n{GOOD.replace(',8,', ',0,')}\n",
            ":2: n_accel: out of range; given '0'; allowed: 1 or more",
        ),
        (f"{HEADER}\n{GOOD.replace(',8,', ',8.5,')}\n", ":2: n_accel: not a whole number"),
        (f"{HEADER}\n{GOOD.replace('9.5', '-1')}\n", ":2: step_time_s: out of range"),
        (
            f"{HEADER}\n{GOOD.replace('9.5', '0')}\n",
            ":2: step_time_s: out of range; given '0'; allowed: above 0",
        ),
        (f"{HEADER}\n{GOOD.replace('H100', '')}\n", ":2: accelerator: this cell is empty"),
        (f"{HEADER}\n{GOOD},7,7\n", ":2: a row with another number of cells than the header; given 11"),
        (f"{HEADER}\nT1,somebody\n", ":2: a row with another number of cells than the header; given 2"),
    ],
)
def test_a_bad_table_is_one_line_with_file_line_and_column(tmp_path: Path, text: str, message: str) -> None:
    file = write(tmp_path, text)
    with pytest.raises(InputError) as caught:
        read_rows(file)
    said = str(caught.value)
    assert message in said
    assert said.startswith(str(file))
    assert "\n" not in said


def test_files_that_are_no_tables(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file of measured rows"):
        read_rows(tmp_path / "absent.csv")
    binary = tmp_path / "rows.csv"
    binary.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(InputError, match="not a text table"):
        read_rows(binary)
    broken = tmp_path / "rows.parquet"
    broken.write_bytes(b"PAR1 and nothing more")
    with pytest.raises(InputError, match="not a readable Parquet table"):
        read_rows(broken)


def test_an_unknown_table_names_the_nearest() -> None:
    with pytest.raises(InputError, match=r"no such table of measured rows; .*did you mean 'training'\?"):
        validate("trainning")
    with pytest.raises(MissingDataError, match="the shipped measured rows lack this table"):
        rows_file("trainning")


def test_the_shipped_rows_are_found_and_have_sources() -> None:
    assert (data_folder() / "README.md").is_file()
    rows = read_rows(rows_file("training"))
    assert len(rows) == 2263
    assert all(row.text("source") and row.text("source_loc") for row in rows)
    header = rows_file("training").read_text(encoding="utf-8").splitlines()[0].split(",")
    assert set(header) == {*TEXTS, *NUMBERS}


def test_the_folder_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    import gigawatt.validation.files as files

    monkeypatch.setattr(files, "_MARK", "no such file")
    with pytest.raises(MissingDataError, match="give a file with --rows"):
        files.data_folder.__wrapped__()


@pytest.mark.parametrize(
    ("text", "gigabits"),
    [
        ("1600 Gb/s/node RoCE", 200),
        ("DGX H100, NVLink 900GB/s + 8x400G IB (Eos)", 400),
        ("JZ: NVLink + 4x OmniPath 100G per node (A100: 8 GPUs/node)", 50),
        ("RoCE 400G/GPU, 24K cluster", 400),
        ("A3: 200 Gb/s x4 GPUDirect-TCPX", 100),
        ("2x Mellanox ConnectX-5 Ex 100Gb/s Ethernet", 25),
        ("1x Ethernet 100Gb/Sec, 8x NVIDIA Quantum-2 CX7 InfiniBand (400Gb/s)", 400),
        ("Storage: 2x ConnectX-7 IB NDR 400Gb/s, Compute: 8x ConnectX-7 IB NDR 400Gb/s, Ma", 400),
        ("trn1.32xlarge/trn1n EFA 800-1600 Gb/s per node", 200),
        ("single node NVLink", None),
        ("", None),
    ],
)
def test_network_descriptions(text: str, gigabits: float | None) -> None:
    found = scale_out_bandwidth(text, per_node=8.0)
    assert found == (None if gigabits is None else pytest.approx(gigabits * 1e9 / 8))


@pytest.mark.parametrize(
    ("text", "rate", "link"),
    [
        ("JZ: NVLink + 4x OmniPath 100G per node (A100: 8 GPUs/node)", 6.25e9, "omnipath-400"),
        ("RoCE 400G/GPU, 24K cluster", 50e9, "roce-400"),
        ("1600 Gb/s/node RoCE", 25e9, "roce-200"),
        ("Management: 1x RoCE 100Gb/s, Compute: 8x ConnectX-7 IB NDR 400Gb/s", 50e9, None),
        ("Selene DGX A100 8x200G HDR", 25e9, None),
    ],
)
def test_a_network_that_is_named_is_a_link_of_the_catalog(text: str, rate: float, link: str | None) -> None:
    assert scale_out_bandwidth(text, per_node=8.0) == pytest.approx(rate)
    assert scale_out_link(text, bandwidth=rate) == link
