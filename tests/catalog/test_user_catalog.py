"""A user catalog laid over the shipped one: marked rows, its own version, one line for what is broken."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from gigawatt import catalog
from gigawatt.catalog import loader
from gigawatt.core.errors import InputError
from gigawatt.machine.load import build_cluster, load_chip

Write = Callable[[str, str], Path]

SOURCE = """
    id,title,publisher,year,url,licence
    mine,My measurements,me,2026,,my own
"""
CHIP = """
    id,aliases,name,vendor,kind,technology,year,kernels,default_node,default_scale_up,default_scale_out,grade,source_id
    MINE,my-chip,My chip,me,GPU,gpu,2026,H100-SXM5-80GB,dgx-h100,nvlink4,ib-ndr-400,guess,mine
"""
DETAILS = """
    id,quantity,value,low,high,unit,currency_year,grade,source_id,locator,note
    MINE,peak_bf16,500,400,600,TFLOP/s,,measured,mine,,
    MINE,memory_bandwidth,2,,,TB/s,,measured,mine,,
    MINE,memory_bytes,64,,,GB,,measured,mine,,
    H100-SXM5-80GB,price,20000,,,$,2024,measured,mine,,what I paid
"""


@pytest.fixture
def write(tmp_path: Path) -> Iterator[Write]:
    """Writes a file of the user catalog that is in force during the test."""

    def put(name: str, text: str) -> Path:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text).lstrip("\n"), encoding="utf-8")
        loader.forget()
        return file

    loader.use_user_catalog(tmp_path)
    put("sources/mine.csv", SOURCE)
    yield put
    loader._chosen.clear()
    loader.forget()


def refusal(error: pytest.ExceptionInfo[InputError]) -> str:
    text = str(error.value)
    assert "\n" not in text
    return text


def test_the_suite_reads_no_user_catalog() -> None:
    assert loader.user_folder() is None
    assert loader.user_catalog() == {}
    assert "+" not in loader.version()


def test_rows_are_added_and_laid_over(write: Write) -> None:
    shipped = catalog.entity("chips", "H100-SXM5-80GB")
    before = loader.version()
    write("chips.csv", CHIP)
    write("chips.details.csv", DETAILS)
    chip = load_chip("my chip")
    assert (chip.id, chip.peak["bf16"], chip.memory_bandwidth) == ("MINE", 500e12, 2e12)
    assert chip.evidence["peak_bf16"].where == "user/chips.details.csv:2"
    assert chip.evidence["peak_bf16"].source_id == "mine"
    assert loader.source("mine").publisher == "me"
    over = catalog.entity("chips", "H100-SXM5-80GB")
    assert over.value("price") == 20000.0 != shipped.value("price")
    assert over.value("peak_bf16") == shipped.value("peak_bf16")
    assert over.text("name") == shipped.text("name")
    assert loader.user_catalog() == {"chips": ("H100-SXM5-80GB", "MINE")}
    assert loader.version().startswith(before + "+")


def test_a_cluster_of_the_users_chip(write: Write) -> None:
    write("chips.csv", CHIP)
    write("chips.details.csv", DETAILS)
    cluster, assumed = build_cluster(chip="MINE", count=16)
    assert (cluster.chip.id, cluster.node.id, cluster.scale_up.id) == ("MINE", "dgx-h100", "nvlink4")
    assert any(entry.key == "chips.MINE.power_limit" for entry in assumed)  # filled by a rule, and said


def test_a_text_that_the_user_leaves_empty_stays(write: Write) -> None:
    name = catalog.entity("chips", "H100-SXM5-80GB").text("name")
    write(
        "chips.csv",
        "id,name,default_node,price [$],currency_year,grade,source_id\n"
        "H100-SXM5-80GB,,server-pcie-8,1,2024,guess,mine\n",
    )
    chip = catalog.entity("chips", "H100-SXM5-80GB")
    assert (chip.text("name"), chip.text("default_node"), chip.value("price")) == (name, "server-pcie-8", 1.0)


HEAD = "id,quantity,value,low,high,unit,currency_year,grade,source_id,locator,note\n"


ROW = r"kernels\.csv:2: launch: "
BROKEN = [
    (
        "chips.details",
        f"{HEAD}H100,price,1,,,$,2024,guess,mine,,\n",
        r"\.csv:2: details of an unknown row; given",
    ),
    ("kernels", f"{HEAD}x,launch,fast,,,us,,guess,mine,,\n", ROW + "cannot read this row; given 'fast'"),
    ("kernels", f"{HEAD}x,launch,1,,,furlong,,guess,mine,,\n", ROW + "unknown unit; given 'furlong'"),
    ("kernels", f"{HEAD}x,launch,1,,,us,,rumour,mine,,\n", ROW + "cannot read this row"),
    ("kernels", f"{HEAD}x,launch,1,,,us,,guess,mind,,\n", ROW + "no such source; given 'mind'.*mean 'mine'"),
    ("kernels", f"{HEAD}x,launch,nan,,,us,,guess,mine,,\n", ROW + "not a finite number"),
    ("kernels", f"{HEAD}x,launch,1,2,3,us,,guess,mine,,\n", ROW + "not a finite number within its own range"),
    ("kernels", f"{HEAD},launch,1,,,us,,guess,mine,,\n", r"kernels\.csv:2: the id is missing"),
    ("kernels", f"{HEAD}x,launch,1,,,us,,guess,mine,,a, b\n", r"kernels\.csv:2: more cells than columns"),
    ("kernels", f"{HEAD}x,launch,1\n", r"kernels\.csv:2: fewer cells than columns"),
    ("kernels", "quantity,value,unit\nlaunch,1,us\n", r"kernels\.csv:1: the column id is missing"),
    ("kernels", "id,quantity,val,unit\nx,launch,1,us\n", r"kernels\.csv:1: the column value is missing"),
    ("kernels", "id,launch\nx,1\n", r"kernels\.csv:1: the columns quantity, value, unit are missing"),
    ("chips", "id,id\nx,y\n", r"chips\.csv:1: a column stands twice"),
    (
        "chips",
        "id,units,grade,source_id\nx,108,guess,mine\n",
        r"chips\.csv:2: units: a column of numbers names its unit in brackets; .*allowed: units \[\]",
    ),
    ("kernels", "", r"kernels\.csv:1: the columns id, quantity, value, unit are missing"),
    ("kernel", HEAD, r"kernel\.csv: no such catalog table; .*did you mean 'kernels'"),
    ("models", "id,file\nx,y\n", r"models\.csv: this table cannot be the user's; .*config\.json"),
    ("sources/x", "id,title\nx,y\n", r"x\.csv:1: the columns publisher, year, url, licence are missing"),
    ("sources/x", SOURCE, r"x\.csv:2: mine: this source stands twice"),
]


def read_all() -> None:
    catalog.sources()
    catalog.table("chips")
    catalog.table("kernels")


@pytest.mark.parametrize(("file", "text", "words"), BROKEN)
def test_what_is_broken_is_one_line_with_file_and_line(
    write: Write, tmp_path: Path, file: str, text: str, words: str
) -> None:
    write(f"{file}.csv", text)
    with pytest.raises(InputError, match=words) as error:
        read_all()
    assert str(tmp_path) in refusal(error)


def test_no_text_at_all(write: Write, tmp_path: Path) -> None:
    (tmp_path / "chips.csv").write_bytes(b"id,name\nx,\xff\xfe\n")
    loader.forget()
    with pytest.raises(InputError, match=r"chips\.csv: cannot read this table"):
        catalog.table("chips")


def test_the_environment_names_it(tmp_path: Path) -> None:
    for name, text in (("sources/m.csv", SOURCE), ("chips.csv", CHIP), ("chips.details.csv", DETAILS)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(dedent(text).lstrip("\n"))

    def show(folder: Path) -> subprocess.CompletedProcess[str]:
        code = (
            f"import os; os.environ['GIGAWATT_CATALOG'] = {str(folder)!r}\n"
            "from gigawatt.faces.terminal import main; main(['catalog', 'show', 'chips', 'MINE', '--json'])"
        )
        return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)

    done = show(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "user/chips.details.csv:2" in done.stdout
    done = show(tmp_path / "nowhere")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("gigawatt: GIGAWATT_CATALOG: no such folder; given ")
    assert len(done.stderr.splitlines()) == 1
    (tmp_path / "chips.details.csv").write_text(HEAD + "MINE,peak_bf16,x,,,TFLOP/s,,guess,mine,,\n")
    done = show(tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{tmp_path / 'chips.details.csv'}:2: peak_bf16: cannot read this row; given 'x'" in done.stderr
    assert len(done.stderr.splitlines()) == 1
