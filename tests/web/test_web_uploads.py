"""Uploads: kept under their hash, checked before they count, bounded, gone at the end."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import stat
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gigawatt import catalog
from gigawatt.chain.leaves import fill_leaves
from gigawatt.chain.site.load import PROFILES
from gigawatt.core.errors import InputError
from gigawatt.faces.web.uploads.paths import file_keys, is_token, known
from gigawatt.faces.web.uploads.store import Checked, Stored, Upload, Uploads, check, checked, limits
from gigawatt.schema.scenario import read_scenario

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
MODEL = catalog.path("models/codellama-34b.json").read_bytes()
DESIGN = b"""name: my-chip
year: 2027
package: cowos-l
cooling: cold-plate
formats: [bf16, fp8, fp4]
dies:
  gpu: {count: 2, node: n3, area: 600 mm^2, sram: 64 MB, units: 80, good_units: 74, phys: 4}
memory: {kind: hbm4, stacks: 8, height: 12}
links: {die_to_die: ucie-advanced, bandwidth: 5 TB/s, scale_up: nvlink5, scale_out: ib-xdr-800,
        node: dgx-b200}
"""
TRACE = b"arrival,prompt_tokens,output_tokens\n0,10,20\n1,20,30\n"
SCENARIO = b"""model: llama-3.1-8b
training: {tokens: 1T tokens}
machine: {chip: H100-SXM5-80GB, count: 8}
site: {name: abilene-texas}
"""


def weather() -> bytes:
    """A year of mild air and wind without sun."""
    rows = "\n".join(["15,8"] * 8760)
    place = "# latitude: 32.3\n# longitude: -100.2\n# time_zone: -6\n"
    return f"{place}temperature [degC],wind_100m [m/s]\n{rows}\n".encode()


TABLES = {"model": ["models"], "machine.chip": ["chips", "chip_designs"], "serving.trace": ["traces"]}
HOURS = ("load [MW]\n" + "\n".join(str(100 + hour % 24) for hour in range(8760)) + "\n").encode()
GOOD = {
    "model": MODEL, "chip": DESIGN, "trace": TRACE, "weather": weather(), "hours": HOURS,
    "scenario": SCENARIO,
}  # fmt: skip


@pytest.fixture
def uploads() -> Any:
    made = Uploads()
    yield made
    made.close()


async def here(target: str, payload: tuple[str, str, str]) -> Checked:
    """Ask this process, as a pool of processes would be."""
    assert target == "gigawatt.faces.web.uploads.store:checked"
    return checked(payload)


def bring(uploads: Uploads, kind: str, data: bytes, name: str = "file") -> Upload:
    return asyncio.run(uploads.receive(kind, name, data, here))


@pytest.mark.parametrize("kind", sorted(GOOD))
def test_what_rooms_can_read_is_let_in(uploads: Uploads, kind: str) -> None:
    one = bring(uploads, kind, GOOD[kind])
    assert one.token in uploads
    assert is_token(one.token, kind)
    assert one.facts
    assert one.token in Stored(uploads.folder)
    assert (uploads.folder / one.token).is_file()
    assert bring(uploads, kind, GOOD[kind], "again") == one  # equal files are one file
    assert len(uploads) == 1


def test_uploads_answer_where_a_name_of_the_catalog_would(
    uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that works in the folder finds what a token names."""
    tokens = {kind: bring(uploads, kind, GOOD[kind]).token for kind in ("model", "chip", "trace", "weather")}
    monkeypatch.chdir(uploads.folder)
    text = (
        f"model: {tokens['model']}\nserving: {{demand: 10 requests/s, trace: {tokens['trace']}}}\n"
        f"machine: {{chip: {tokens['chip']}}}\nsite: {{name: abilene-texas, weather: {tokens['weather']}}}\n"
    )
    one = bring(uploads, "scenario", text.encode())
    assert {one.values[key] for key in file_keys() & one.values.keys()} == set(tokens.values())
    leaves, _ = fill_leaves(read_scenario(uploads.path(one.token)))
    assert leaves["model.architecture"].value.parameters.total == pytest.approx(34e9, rel=0.02)
    assert leaves["machine.chip"].value.id.startswith("my-chip-")
    assert leaves["site.weather"].value.wind_100m.mean() == pytest.approx(8.0)
    catalog.loader.forget()


def test_two_visitors_chips_of_one_name_do_not_meet(uploads: Uploads) -> None:
    from gigawatt.machine import load_chip

    first = bring(uploads, "chip", DESIGN)
    second = bring(uploads, "chip", DESIGN.replace(b"600", b"500"))
    third = bring(uploads, "chip", DESIGN.replace(b"my-chip", b"H100-SXM5-80GB"))  # nor the catalog's
    chips = [load_chip(str(uploads.path(one.token))) for one in (first, second, third)]
    assert len({chip.id for chip in chips}) == 3
    assert chips[0].peak["bf16"] > chips[1].peak["bf16"]
    assert load_chip("H100-SXM5-80GB").name == "NVIDIA H100 SXM5 80GB"
    catalog.loader.forget()


@pytest.mark.parametrize("example", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_examples_are_let_in_key_by_key(uploads: Uploads, example: Path) -> None:
    data = yaml.safe_load(example.read_text())
    if "site" not in data:  # a study of many
        with pytest.raises(InputError):
            bring(uploads, "scenario", example.read_bytes())
        return
    values = bring(uploads, "scenario", example.read_bytes()).values
    for key, value in values.items():
        at: Any = data
        for name in key.split("."):
            at = at[name]
        if key in file_keys() and value not in PROFILES:
            assert value in {row.id for name in TABLES[key] for row in catalog.table(name).values()}
            assert value == at or at.lower() in value.lower()
        else:
            assert at == value


@pytest.mark.parametrize(
    "line",
    [
        b"model: /etc/passwd", b"model: my/config.json", b"model: config.json", b"model: ~/x.json",
        b"model: [a]", b"model: 0x" + b"f" * 6000, b"year: 0x" + b"f" * 6000,
    ],
    ids=lambda line: line[:16].decode(),
)  # fmt: skip
def test_a_scenario_that_names_a_file_is_refused(uploads: Uploads, line: bytes) -> None:
    rest = SCENARIO if line.startswith(b"year") else SCENARIO.partition(b"\n")[2]
    with pytest.raises(InputError) as caught:
        bring(uploads, "scenario", line + b"\n" + rest)
    assert "\n" not in str(caught.value)
    assert len(uploads) == 0
    assert os.listdir(uploads.folder) == []


def of_model(**changes: Any) -> bytes:
    return json.dumps({**json.loads(MODEL), **changes}).encode()


BAD = {
    "no text": ("model", b"\xff\xfe"),
    "NUL": ("trace", b"a\0b"),
    "empty": ("weather", b" \n"),
    "not finite": ("model", b'{"model_type": "llama", "x": NaN}'),
    "infinite": ("model", b'{"model_type": "llama", "x": 1e999}'),
    "twice": ("model", b'{"model_type": "llama", "model_type": "gpt2"}'),
    "deep": ("model", b'{"x": ' + b"[" * 200_000 + b"]" * 200_000 + b"}"),
    "rather deep": ("model", b'{"x": ' + b"[" * 40 + b"]" * 40 + b"}"),
    "long": ("model", b'{"x": [' + b"1," * 50_000 + b"1]}"),
    "long number": ("model", b'{"x": ' + b"9" * 10_000 + b"}"),
    "a list": ("model", b"[]"),
    "no family": ("model", of_model(model_type="nothing")),
    "layers without end": ("model", of_model(num_hidden_layers=10**12)),
    "many layers": ("model", of_model(num_hidden_layers=9_999)),
    "wide": ("model", of_model(hidden_size=2**30, num_attention_heads=1, num_key_value_heads=1)),
    "many words": ("model", of_model(vocab_size=2**31 - 1)),
    "negative": ("model", of_model(hidden_size=-1)),
    "not YAML": ("scenario", b"{"),
    "alias": ("scenario", b"a: &a [1]\nb: *a"),
    "nested": ("scenario", b"[" * 60_000),
    "object": ("scenario", b"model: !!python/object/apply:os.system [id]\n"),
    "unknown key": ("scenario", SCENARIO + b"more: 1\n"),
    "many bytes": ("scenario", SCENARIO + b"#" * 70_000),
    "chip object": ("chip", b"name: !!python/object/apply:os.system [id]\n"),
    "chip alias": ("chip", b"name: &a x\nyear: *a\n"),
    "chip of parts that are none": ("chip", DESIGN.replace(b"cowos-l", b"/etc/passwd")),
    "chip without end": ("chip", DESIGN.replace(b"count: 2", b"count: 2000000000")),
    "few requests": ("trace", b"arrival,prompt_tokens,output_tokens\n0,10,20\n"),
    "request without end": ("trace", b"arrival,prompt_tokens,output_tokens\n0,1e300,20\n1,1,1\n"),
    "half a year": ("weather", weather()[:20_000]),
    "no weather": ("weather", b"ghi [W/m^2]\n1\n"),
    "half a year of load": ("hours", HOURS[:20_000]),
    "a shape without a unit": ("hours", HOURS.replace(b"load [MW]", b"load")),
}


@pytest.mark.parametrize("name", sorted(BAD))
def test_what_cannot_be_read_is_one_line_and_leaves_nothing(uploads: Uploads, name: str) -> None:
    kind, data = BAD[name]
    with pytest.raises(InputError) as caught:
        bring(uploads, kind, data, "given.txt")
    text = str(caught.value)
    assert "\n" not in text
    assert len(text) < 3000
    assert str(uploads.folder) not in text
    assert re.search(r"-[0-9a-f]{16}", text) is None  # nor the name that it had here
    assert len(uploads) == 0
    assert os.listdir(uploads.folder) == []


@given(st.sampled_from(sorted(GOOD)), st.binary(max_size=400))
def test_any_bytes_are_refused_or_read(kind: str, data: bytes) -> None:
    made = Uploads()
    try:
        one = bring(made, kind, data)
        assert one.ready
    except InputError as error:
        assert "\n" not in str(error)  # noqa: PT017 (either is fine)
        assert os.listdir(made.folder) == []
    finally:
        made.close()


@given(st.text(max_size=300))
def test_a_label_is_short_and_printable_and_names_no_file(name: str) -> None:
    made = Uploads()
    try:
        one = made.keep("trace", name, TRACE)
        assert 0 < len(one.label) <= 80
        assert one.label.isprintable()
        assert "/" not in one.label
        assert "\\" not in one.label
        assert os.listdir(made.folder) == [one.token]
        assert is_token(one.token, "trace")
    finally:
        made.close()


def test_a_label_is_the_last_part_of_the_name(uploads: Uploads) -> None:
    assert uploads.keep("trace", "../../etc/my trace\u202e.csv", TRACE).label == "my trace.csv"
    assert uploads.keep("model", "C:\\me\\config.json", MODEL).label == "config.json"


def test_what_was_not_checked_does_not_count(uploads: Uploads) -> None:
    one = uploads.keep("trace", "a.csv", TRACE)
    assert one.token not in uploads
    assert uploads.get(one.token) is None
    assert uploads.admit(one.token, check("trace", uploads.path(one.token))).token in uploads


def test_a_check_that_is_given_up_leaves_nothing(uploads: Uploads) -> None:
    async def lost(target: str, payload: object) -> Checked:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(uploads.receive("trace", "a.csv", TRACE, lost))
    assert os.listdir(uploads.folder) == []


def test_the_least_recently_used_go_first() -> None:
    made = Uploads(most_files=3)
    try:
        tokens = [bring(made, "trace", TRACE + f"2,{n},1\n".encode()).token for n in (1, 2, 3)]
        assert known("serving.trace", tokens[0], made) == tokens[0]  # a question that names it
        tokens.append(bring(made, "trace", TRACE + b"2,4,1\n").token)
        assert list(made) == [tokens[2], tokens[0], tokens[3]]
        assert sorted(os.listdir(made.folder)) == sorted(made)
        assert tokens[1] not in made
        with pytest.raises(InputError, match="not here any more"):
            made.path(tokens[1])
    finally:
        made.close()


def test_a_file_is_bounded(uploads: Uploads) -> None:
    small = Uploads(most_bytes=10)
    try:
        with pytest.raises(InputError, match="too large"):
            small.keep("trace", "a", TRACE)
    finally:
        small.close()
    with pytest.raises(InputError, match="nothing of this kind") as caught:
        uploads.keep("modle", "a", TRACE)
    assert caught.value.nearest == "model"


def test_the_folder_is_private_and_goes(tmp_path: Path) -> None:
    made = Uploads(tmp_path / "mine")
    one = bring(made, "trace", TRACE)
    if os.name == "posix":
        assert stat.S_IMODE(made.folder.stat().st_mode) == 0o700
        assert stat.S_IMODE((made.folder / one.token).stat().st_mode) == 0o600
    made.close()
    assert not made.folder.exists()
    (tmp_path / "theirs").mkdir()
    with pytest.raises(FileExistsError):
        Uploads(tmp_path / "theirs")


# limits of a check


def stubborn() -> None:
    """Work that nothing but the end of its time stops."""
    while True:
        with suppress(Exception):
            sum(range(1000))


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timer on this system")
def test_a_block_that_takes_too_long_is_ended() -> None:
    before = signal.getsignal(signal.SIGALRM)
    with pytest.raises(InputError, match=r"longer than 0\.05 s"), limits(seconds=0.05):
        stubborn()
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is bounded on Linux alone")
def test_a_block_that_takes_too_much_is_ended() -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_AS)
    with pytest.raises(InputError, match="more than 64 MiB"), limits(memory=64 * 2**20):
        bytearray(256 * 2**20)
    assert resource.getrlimit(resource.RLIMIT_AS) == before
