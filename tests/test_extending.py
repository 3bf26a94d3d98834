"""What docs/extending.md adds, on a copy: a chip, a model family, a field that costs money.

Its plant, technology and study are executed beside their rooms (``supply/test_plant_rows.py``,
``hardware/test_technology_registry.py``, ``test_extending_study.py``).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
SECTIONS = {part.partition("\n")[0]: part for part in re.split(r"^## ", PAGE, flags=re.M)[1:]}
CHIP = SECTIONS["A chip: one row"]
FAMILY = SECTIONS["A model family: one row"]
COST = SECTIONS["A field that costs money: one row and one function"]

TYPED = """
import contextlib, io, json, shlex, sys
from gigawatt.faces.terminal import main
said = []
for line in sys.stdin.read().splitlines():
    out, err, code = io.StringIO(), io.StringIO(), 0
    sys.argv = shlex.split(line)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
    said.append([code, out.getvalue(), err.getvalue()])
print(json.dumps(said))
"""


def typed(lines: list[str], folder: Path, source: Path, catalog: str = "") -> list[tuple[int, str, str]]:
    """Exit code, output and errors of each command, typed in ``folder`` with the package of ``source``."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", TYPED], input="\n".join(lines),
        capture_output=True, text=True, timeout=600, cwd=folder, check=False,
        env=os.environ | {"PYTHONPATH": str(source), "GIGAWATT_CATALOG": catalog, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return [tuple(one) for one in json.loads(done.stdout)]


def answers(said: list[tuple[int, str, str]]) -> list[dict]:
    for code, _, error in said:
        assert code == 0, error
    return [json.loads(out) for _, out, _ in said]


def shown(section: str, language: str) -> list[str]:
    return [
        text for kind, text in re.findall(r"^```(\w+)\n(.*?)^```$", section, re.M | re.S) if kind == language
    ]


def titled(section: str, title: str) -> str:
    (text,) = re.findall(rf'^```\w+ title="{re.escape(title)}"\n(.*?)^```$', section, re.M | re.S)
    return text


def write_files(section: str, folder: Path) -> set[str]:
    files = dict(re.findall(r"^`([\w./-]+)`:\n\n```\w+\n(.*?)^```$", section, re.M | re.S))
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return set(files)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the package; a file is a link until it is changed."""
    skipped = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "src", tmp_path / "src", copy_function=os.symlink, ignore=skipped)
    return tmp_path


def change(file: Path, text: str) -> None:
    file.unlink()
    file.write_text(text, encoding="utf-8")


def changed(folder: Path) -> int:
    """Files of the copied package that are no longer those of this one."""
    return sum(not file.is_symlink() for file in (folder / "src").rglob("*.*") if file.is_file())


def counted(word: str) -> int:
    """Files touched, as the head of the page counts them."""
    (number,) = re.findall(rf"^\| \[{word}\]\(#[\w-]+\) \| [^|]+ \| (\d+)[ :]", PAGE, re.M)
    return int(number)


def test_the_head_of_the_page_links_its_sections() -> None:
    linked = re.findall(r"^\| \[[\w ]+\]\(#([\w-]+)\)", PAGE, re.M)
    assert sorted(linked) == sorted(
        re.sub(r"[^\w ]", "", name).lower().replace(" ", "-") for name in SECTIONS
    )


@pytest.mark.apart
def test_a_chip_is_one_row(tmp_path: Path) -> None:
    assert write_files(CHIP, tmp_path) == {"chip/chips.csv", "chip/sources/mine.csv", "chip.yaml"}
    rows = (tmp_path / "chip" / "chips.csv").read_text().splitlines()[1:]
    assert len(rows) == 1
    assert len(list((tmp_path / "chip").glob("*.csv"))) == counted("a chip")
    (block,) = shown(CHIP, "sh")
    show, *rest = typed(block.splitlines(), tmp_path, ROOT / "src", "chip")
    assert show[0] == 0, show[2]
    assert re.search(r"^peak_bf16 +1200 +TFLOP/s", show[1], re.M)
    planned, ran = answers(rest)
    assert planned["chip"] == "my-chip"
    assert planned["chip_power_limit_W"] == 800.0
    (listed,) = (block.split() for block in shown(CHIP, "text"))
    for answer in (planned, ran):
        keys = [one["key"] for one in answer["assumptions"] if one["key"].startswith("chips.my-chip.")]
        assert sorted(keys) == sorted(listed)


def starcoder2_3b() -> int:
    """Parameters by hand: the tensors of transformers' Starcoder2 classes, each by its shape."""
    hidden, inner, heads, groups, vocabulary, layers = 3072, 12288, 24, 2, 49152, 30
    width = groups * hidden // heads
    layer = {
        "self_attn.q_proj": hidden * hidden + hidden,
        "self_attn.k_proj": hidden * width + width,
        "self_attn.v_proj": hidden * width + width,
        "self_attn.o_proj": hidden * hidden + hidden,
        "mlp.c_fc": hidden * inner + inner,
        "mlp.c_proj": inner * hidden + hidden,
        "input_layernorm": 2 * hidden,
        "post_attention_layernorm": 2 * hidden,
    }
    return layers * sum(layer.values()) + vocabulary * hidden + 2 * hidden  # embedding and head are one


@pytest.mark.apart
def test_a_model_family_is_one_row(tmp_path: Path) -> None:
    assert write_files(FAMILY, tmp_path) == {"family/model_families.csv", "my-coder-3b/config.json"}
    files = list((tmp_path / "family").iterdir())
    assert len(files) == counted("a model family")
    assert len(files[0].read_text().splitlines()) == 2
    (line,) = shown(FAMILY, "sh")
    (star,) = answers(typed([line.strip()], tmp_path, ROOT / "src", "family"))
    assert star["parameters"] == starcoder2_3b()
    assert f"{star['parameters']:,} parameters" in FAMILY
    ((refused, _, error),) = typed([line.strip()], tmp_path, ROOT / "src")
    assert refused == 2
    assert "this model family is not known" in error


@pytest.mark.apart
def test_a_field_that_costs_money_is_one_row_and_one_function(copy: Path) -> None:
    row, function = (titled(COST, f"src/gigawatt/{name}") for name in ("schema/fields.csv", "chain/money.py"))
    assert (row.count("\n"), function.count("def ")) == (1, 1)
    for name, text in (("schema/fields.csv", row), ("chain/money.py", f"\n\n{function}")):
        file = copy / "src" / "gigawatt" / name
        change(file, file.read_text() + text)
    assert changed(copy) == counted("a field that costs money")
    assert write_files(COST, copy) == {"land.yaml"}
    with_key = (copy / "land.yaml").read_text()
    without, key, _ = with_key.partition("economics:\n")
    assert key
    (copy / "without.yaml").write_text(without)
    (run,) = shown(COST, "sh")
    (console,) = shown(COST, "console")
    planned, refusal = console.removeprefix("$ ").splitlines()
    lines = [run.strip(), run.strip().replace("land.yaml", "without.yaml"), planned]
    *runs, (code, out, error) = typed(lines, copy, copy / "src")
    bought, bare = ({k: one["value"] for k, one in a["quantities"].items()} for a in answers(runs))
    assert bought["facility.power_peak"] == bare["facility.power_peak"]  # MW
    expected = 0.05 * bare["facility.power_peak"]  # 50 k$/MW in M$
    assert expected > 0.0
    more = bought["ledger.total_capital"] - bare["ledger.total_capital"]
    assert more == pytest.approx(expected, rel=1e-6)
    assert 0.0 < bought["ledger.annual_cost"] - bare["ledger.annual_cost"] < more
    for other in ("training.step_time", "supply.electricity_cost", "facility.energy"):
        assert bought[other] == bare[other]
    assert (code, out, error) == (2, "", f"{refusal}\n")
