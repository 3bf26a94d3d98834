"""Every parser, fed rubbish: a value or one line, never a traceback, a hang or a full memory."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from spoil import fuzz, refuses_or_reads, spoilt, twisted

from gigawatt import catalog
from gigawatt.chain.leaves import fill_leaves
from gigawatt.chain.site.load import profile_hours
from gigawatt.core.errors import GigawattError
from gigawatt.core.quantities import parse
from gigawatt.core.store import load_result
from gigawatt.facility.readers import read_file
from gigawatt.machine.chip.design_file import read_design
from gigawatt.schema.scenario import read_scenario
from gigawatt.serving.traces import read_trace, write_trace
from gigawatt.studies.seconds.question import read_trace as read_power
from gigawatt.workload import read_architecture

EXAMPLES = Path(__file__).parents[2] / "examples"
TRAINING = """\
name: A name
year: 2026
model: llama-3.1-8b
training: {tokens: 1T tokens, sequence: 8192, global_batch: 512 sequences, number_format: bf16, runs: 1}
machine: {chip: H100-SXM5-80GB, count: 64, stack: llama3-2024, power_cap: 600 W, oversubscription: 2}
layout: {tensor: 2, zero: 1, widen: [context]}
site: {name: abilene-texas, cooling: direct-liquid-dry-cooler}
supply:
  plants: [grid, solar, battery]
  grid: {limit: 500 MW, price: 60 $/MWh}
  limits: {solar: 100 MW}
  carbon_limit: 100 g/kWh
  flexible: 10%
economics: {discount_rate: 7 %, chip_price: 30 k$, chip_life: 5 years}
"""
SERVING = """\
model: llama-3.1-8b
serving:
  demand: 5 requests/s
  prompt: 512
  output: 128
  shape: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]
  objective: ttft=2s,tpot=100ms,p90
  weights: fp8
  layout: {tensor: 1}
  autoscaling: {minimum: 20 %, target: 8}
machine: {chip: H100-SXM5-80GB}
site: {name: abilene-texas}
supply: {plants: [grid]}
"""
CONFIG = json.loads(
    catalog.path("models/" + catalog.entity("models", "deepseek-v3").text("file")).read_text(encoding="utf-8")
)
CSV = b"TIMESTAMP,ContextTokens,GeneratedTokens\n" + b"".join(
    b"2023-11-16 18:17:%02d.5000000,%d,%d\n" % (i, 300 + i, 20 + i) for i in range(20)
)
JSONL = b"".join(
    json.dumps(
        {"timestamp": 100 * i, "input_length": 900 + i, "output_length": 5, "hash_ids": [0, i]}
    ).encode()
    + b"\n"
    for i in range(20)
)


def weather() -> bytes:
    """A year of hours, as short as it can be."""
    head = "# latitude: 32.3\n# longitude: -100.2\n# time_zone: -6\n"
    head += "ghi [W/m^2],temperature [degC],wind_10m [m/s]\n"
    return (head + "500,20,5\n" * 8760).encode()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("spoilt")


def read_bytes(folder: Path, name: str, data: bytes, read: Callable[[Path], object]) -> str | None:
    file = folder / name
    file.write_bytes(data)
    return refuses_or_reads(lambda: read(file))


def whole_scenario(file: Path) -> object:
    return fill_leaves(read_scenario(file))


@fuzz(60)
@given(data=st.one_of(spoilt(TRAINING.encode()), spoilt(SERVING.encode())))
def test_bytes_of_a_scenario(folder: Path, data: bytes) -> None:
    read_bytes(folder, "a.yaml", data, whole_scenario)


@fuzz(60)
@given(document=st.one_of(twisted(yaml.safe_load(TRAINING)), twisted(yaml.safe_load(SERVING))))
def test_values_of_a_scenario(folder: Path, document: Any) -> None:
    read_bytes(folder, "b.yaml", yaml.safe_dump(document, allow_unicode=True).encode(), whole_scenario)


@fuzz(40)
@given(data=spoilt(json.dumps(CONFIG, indent=1).encode()))
def test_bytes_of_a_model(folder: Path, data: bytes) -> None:
    read_bytes(folder, "config.json", data, read_architecture)


@pytest.mark.parametrize(
    "name",
    ["deepseek-v3", "mixtral-8x7b", "kimi-k2.5", "qwen3-vl-2b", "gemma-4-26b-a4b", "nemotron-3-nano-30b-a3b"],
)
def test_values_of_a_model(folder: Path, name: str) -> None:
    """Layers, experts, formats of the checkpoint, towers; GIGAWATT_FUZZ=2000 looks further."""
    document = json.loads(catalog.path(f"models/{name}.json").read_text(encoding="utf-8"))
    formats = {"config_groups": {"a": {"targets": ["Linear"], "weights": {"num_bits": 4, "group_size": 32}}},
               "ignore": ["re:.*self_attn.*", "lm_head"], "kv_cache_scheme": {"num_bits": 8, "type": "float"},
               "quantized_layers": {"model.layers.0.mlp": {"quant_algo": "NVFP4"}}}  # fmt: skip
    document.setdefault("quantization_config", {"quant_method": "compressed-tensors", **formats})

    @fuzz(50)
    @given(changed=twisted(document, most=4))
    def look(changed: Any) -> None:
        read_bytes(folder, "config.json", json.dumps(changed).encode(), read_architecture)

    look()


@fuzz(40)
@given(data=spoilt(CSV))
def test_bytes_of_a_trace_in_csv(folder: Path, data: bytes) -> None:
    read_bytes(folder, "t.csv", data, read_trace)


@fuzz(40)
@given(data=spoilt(JSONL))
def test_bytes_of_a_trace_in_json_lines(folder: Path, data: bytes) -> None:
    read_bytes(folder, "t.jsonl", data, read_trace)


@fuzz(40)
@given(records=twisted([json.loads(line) for line in JSONL.splitlines()[:6]]))
def test_values_of_a_trace_in_json_lines(folder: Path, records: Any) -> None:
    text = "\n".join(json.dumps(record) for record in records)
    read_bytes(folder, "u.jsonl", text.encode(), read_trace)


def packed(**arrays: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)  # type: ignore[arg-type]
    return stream.getvalue()


@fuzz(40)
@given(data=st.data())
def test_bytes_and_arrays_of_a_packed_trace(folder: Path, data: st.DataObject) -> None:
    file = folder / "good.npz"
    if not file.exists():
        (folder / "good.jsonl").write_bytes(JSONL)
        write_trace(read_trace(folder / "good.jsonl"), file)
    if data.draw(st.booleans()):
        read_bytes(folder, "p.npz", data.draw(spoilt(file.read_bytes())), read_trace)
        return
    with np.load(file) as stored:
        kept = {name: stored[name] for name in stored.files}
    for name in data.draw(st.lists(st.sampled_from(sorted(kept)), min_size=1, max_size=3)):
        odd = data.draw(
            st.sampled_from([-1, 0, 2**31, 2**62, 1e300, np.nan, [], [[1]], "x", [2**62] * 4, [-5] * 20])
        )
        kept[name] = np.asarray(odd)
        if data.draw(st.integers(0, 4)) == 0:
            del kept[name]
    read_bytes(folder, "q.npz", packed(**kept), read_trace)


@fuzz(10)
@given(data=spoilt(weather()))
def test_bytes_of_a_years_weather(folder: Path, data: bytes) -> None:
    read_bytes(folder, "w.csv", data, read_file)


@fuzz(60)
@given(data=spoilt(weather()[:600]), kind=st.sampled_from(["w.csv", "w.epw", "w.tmy3"]))
def test_bytes_of_the_head_of_a_weather_file(folder: Path, data: bytes, kind: str) -> None:
    read_bytes(folder, kind, data, read_file)


@fuzz(25)
@given(data=spoilt(b"load [MW]\n" + b"10\n" * 200), many=st.booleans())
def test_bytes_of_a_load(folder: Path, data: bytes, many: bool) -> None:
    whole = data + b"12.5\n" * (8560 * many)
    read_bytes(
        folder,
        "l.csv",
        whole,
        lambda file: profile_hours(str(file), time_zone=-6.0, year=2026),
    )


@fuzz(25)
@given(data=spoilt(b"time,power\n" + b"".join(b"%d,%d\n" % (i, 400 + i) for i in range(30))))
def test_bytes_of_a_power_trace(folder: Path, data: bytes) -> None:
    read_bytes(folder, "power.csv", data, read_power)


DESIGN = (EXAMPLES / "chips" / "chip-of-chiplets.yaml").read_bytes()


@fuzz(25)
@given(
    data=st.one_of(spoilt(DESIGN), twisted(yaml.safe_load(DESIGN)).map(lambda d: yaml.safe_dump(d).encode()))
)
def test_a_design_of_a_chip(folder: Path, data: bytes) -> None:
    read_bytes(folder, "chip.yaml", data, read_design)


CHIPS = b"""id,name,memory_bandwidth [TB/s],price [k$],currency_year,grade,source_id,locator,note
MINE,My chip,3.35,30,2024,guess,me,page 1,none
"""
SOURCES = b"id,title,publisher,year,url,licence\nme,My notes,me,2026,,my own\n"
DETAILS = b"""id,quantity,value,low,high,unit,year,currency_year,grade,source_id,locator,note
MINE,power_limit,700,600,800,W,2026,,guess,me,page 2,
"""


@fuzz(30)
@given(
    name=st.sampled_from(["chips.csv", "chips.details.csv", "sources/mine.csv"]),
    data=st.data(),
)
def test_bytes_of_a_user_catalog(folder: Path, name: str, data: st.DataObject) -> None:
    own = folder / "catalog"
    (own / "sources").mkdir(parents=True, exist_ok=True)
    good = {"chips.csv": CHIPS, "chips.details.csv": DETAILS, "sources/mine.csv": SOURCES}
    for other, text in good.items():
        (own / other).write_bytes(text)
    (own / name).write_bytes(data.draw(spoilt(good[name])))

    def read() -> None:
        catalog.use_user_catalog(own)
        catalog.table("chips")
        catalog.user_catalog()
        catalog.version()

    try:
        refuses_or_reads(read)
    finally:
        catalog.use_user_catalog(None)


@fuzz(60)
@given(
    text=st.one_of(
        st.text(max_size=30),
        st.lists(
            st.sampled_from(["1", "9", "e", "**", "^", "*", "/", " ", "W", "MW", "tokens", "(", ")", "-", ".",
                             "$", "µ", "%", "k$", "1e999", "nan", "__import__", "²", "10**"]),
            max_size=10,
        ).map("".join),
    ),
    unit=st.sampled_from(["W", "token", "1", "$/J", "s"]),
)  # fmt: skip
def test_any_text_as_a_quantity(text: str, unit: str) -> None:
    refuses_or_reads(lambda: parse(text, unit))


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from gigawatt.chain.study import Study
    from gigawatt.core.store import save_result

    base = tmp_path_factory.mktemp("result")
    file = base / "s.yaml"
    file.write_text(
        "model: llama-3.1-8b\ntraining: {tokens: 1T tokens}\nmachine: {chip: H100-SXM5-80GB, count: 64}\n"
        "site: {name: abilene-texas}\nsupply: {plants: [grid]}\n"
    )
    return save_result(Study.read(file).run(), base / "stored")


@fuzz(15)
@given(data=st.data(), name=st.sampled_from(["result.json", "trace.json", "ledger.parquet"]))
def test_a_spoilt_result(stored: Path, data: st.DataObject, name: str) -> None:
    file = stored / name
    good = file.read_bytes()
    if name.endswith(".json") and data.draw(st.booleans()):
        small = json.loads(good)
        bad = json.dumps(data.draw(twisted(small))).encode()
    else:
        bad = data.draw(spoilt(good))
    file.write_bytes(bad)
    try:
        refuses_or_reads(lambda: [q.shown for q in load_result(stored).quantities.values()])
    finally:
        file.write_bytes(good)


@pytest.mark.parametrize(
    "name", ["a.yaml", "config.json", "t.csv", "t.jsonl", "t.npz", "w.csv", "w.epw", "chip.yaml"]
)
def test_what_is_no_file(tmp_path: Path, name: str) -> None:
    """A folder in the place of a file, an empty file, and one that is not there."""
    read = {
        "a.yaml": whole_scenario, "config.json": read_architecture, "w.csv": read_file, "w.epw": read_file,
        "chip.yaml": read_design,
    }.get(name, read_trace)  # fmt: skip
    file = tmp_path / name
    with pytest.raises(GigawattError):
        read(file)
    file.write_bytes(b"")
    with pytest.raises(GigawattError):
        read(file)
    file.unlink()
    file.mkdir()
    with pytest.raises(GigawattError):
        read(file)


def test_a_packed_trace_that_says_it_is_huge(tmp_path: Path) -> None:
    """A header of a terabyte, and members that unpack to a gigabyte of zeros: refused, not read."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<i8", "fortran_order": False, "shape": (10**11,)})
    for name, more in (("claims.npz", 0), ("unpacks.npz", 400)):
        with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as archive:
            for member in ("gap", "prompt", "output"):
                with archive.open(f"{member}.npy", "w") as stream:
                    stream.write(header.getvalue())
                    for _ in range(more):
                        stream.write(bytes(10**6))
            archive.writestr("resolution.npy", packed(x=np.array(1.0)))
        assert (tmp_path / name).stat().st_size < 2**22
        assert refuses_or_reads(lambda: read_trace(tmp_path / name)) is not None  # noqa: B023


@pytest.mark.parametrize(
    "value",
    ["!!bool x", "!!int ''", "!!float ''", "!!timestamp x", "!!binary é", "!!set {a, b}", "!!omap [a]",
     "!!python/object/apply:os.system [ls]", "&a [*a]", "0x", "1:2:3:99", "2026-13-45", "2001-01-01 25:61:61",
     ".nan", ".inf", "-.inf", "1e999", "? [a]\n: b", "{[1]: 2}", "{? {a: b} : c}", "<<",
     "|\n\n\n", "\"\\ud800\""],
)  # fmt: skip
def test_yaml_that_is_more_than_values(tmp_path: Path, value: str) -> None:
    file = tmp_path / "a.yaml"
    for key in ("year", "model", "name"):
        text = TRAINING.replace(f"{key}: ", f"{key}: {value} #", 1)
        file.write_bytes(text.encode("utf-8", "surrogatepass"))
        refuses_or_reads(lambda: whole_scenario(file))
    design = tmp_path / "chip.yaml"
    for key in ("year", "package", "margin"):
        text = DESIGN.decode().replace(f"{key}: ", f"{key}: {value} #", 1)
        design.write_bytes(text.encode("utf-8", "surrogatepass"))
        refuses_or_reads(lambda: read_design(design))


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_file_that_may_not_be_read_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """What the reader of a folder that belongs to somebody else meets, also where the tests are root's."""
    import builtins

    file = tmp_path / f"t.{kind}"
    file.write_bytes(CSV)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(builtins, "open", refuse)
    monkeypatch.setattr(io, "open", refuse)
    monkeypatch.setattr(Path, "open", refuse)
    for read in (read_trace, read_file, read_scenario, read_architecture, read_design):
        name = file if read in (read_trace, read_file) else file.with_suffix(".json")
        name = name if read is not read_design else file.with_suffix(".yaml")
        told = refuses_or_reads(lambda: read(name))  # noqa: B023
        assert told is not None


def test_aliases_that_grow_without_end(tmp_path: Path) -> None:
    """Nine levels of nine aliases are a billion values; one that holds itself never ends."""
    levels = ["a0: &a0 {x: 1}"] + [
        f"a{n}: &a{n} {{{', '.join(f'k{i}: *a{n - 1}' for i in range(9))}}}" for n in range(1, 10)
    ]
    for name, read in (("a.yaml", whole_scenario), ("chip.yaml", read_design)):
        for text in ("\n".join(levels), "year: &a {b: *a}", "dies: &a [*a]"):
            file = tmp_path / name
            file.write_text(text)
            told = refuses_or_reads(lambda: read(file))  # noqa: B023
            assert told is not None
            assert "alias" in told
