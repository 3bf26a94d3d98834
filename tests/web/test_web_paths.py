"""No visitor names a file: names of the catalog and uploads pass, whatever else they write opens nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gigawatt import catalog
from gigawatt.core.errors import InputError
from gigawatt.faces.web.uploads.paths import confirm, file_keys, is_token, known, vetted
from gigawatt.schema.scenario import read_scenario

TOKENS = {
    "model": "model-0123456789abcdef.json",
    "machine.chip": "chip-0123456789abcdef.yaml",
    "serving.trace": "trace-0123456789abcdef.csv",
    "site.weather": "weather-0123456789abcdef.epw",
}
NAMES = {"model": ("models", "llama-3.1-8b"), "machine.chip": ("chips", "H100-SXM5-80GB")}

#: What somebody might try; SECRET and HERE stand for files that are there.
NASTY = [
    "/etc/passwd", "../../x", "../../../../../../etc/passwd", "~/.ssh/id_rsa", "~root/.bashrc",
    "file:///etc/passwd", "\\\\host\\share", "C:\\boot.ini", "a\0b", "/etc/passwd\0.json", "config.json",
    "./config.json",
    "examples/llama-3.1-405b-texas.yaml", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "..%2f..%2fetc", "a" * 5000,
    "../" * 2000, "․․/․․/etc/passwd", "‥/etc/passwd", "．．／etc／passwd", "…", "/dev/stdin",
    "/proc/self/environ",
    "/proc/self/mem", ".", "..", "/", "-", "*", "*.json", "$HOME/x", "${HOME}", "`id`", "|id", "CON",
    "nul.txt",
    "SECRET.json", "SECRET.yaml", "SECRET.csv", "SECRET.epw", "SECRET", "HERE.json", "HERE.yaml", "HERE.csv",
    "HERE.epw", "HERE", "model-0123456789abcdef.json", "chip-0123456789abcdef.yaml/../x",
    "trace-0123456789abcdef.csv\n", "MODEL-0123456789ABCDEF.JSON", "training.yaml",
]  # fmt: skip


def watched(folder: Path, check: str, values: list[str]) -> list[dict[str, Any]]:
    inside = folder / "uploads"
    inside.mkdir()
    for name in ("secret", "here"):
        for ending in (".json", ".yaml", ".csv", ".epw", ""):
            ((folder if name == "secret" else inside) / f"{name}{ending}").write_text("{}")
    put = [v.replace("SECRET", str(folder / "secret")).replace("HERE", "here") for v in values]
    done = subprocess.run(
        [sys.executable, str(Path(__file__).parent / "watcher.py"), str(inside), check],
        input=json.dumps(put), capture_output=True, text=True, timeout=300,
        env={**os.environ, "HOME": str(folder)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.mark.apart
def test_nothing_that_a_visitor_writes_opens_a_file(tmp_path: Path) -> None:
    found = watched(tmp_path, "vetted", NASTY)
    assert len(found) >= 80 * len(NASTY)
    assert [one for one in found if one["opened"]] == []
    for one in found:
        if one["key"] in file_keys():
            assert one["outcome"] != "filled", one


@pytest.mark.apart
def test_without_the_check_they_would_be_read(tmp_path: Path) -> None:
    """The test above can fail: exactly the keys that may name a file read the file that is there."""
    found = watched(tmp_path, "unchecked", ["SECRET.json", "SECRET.yaml", "SECRET.csv", "HERE.csv"])
    assert {one["key"] for one in found if one["opened"]} == file_keys()


@pytest.mark.parametrize("key", sorted(file_keys()))
@pytest.mark.parametrize("value", [*NASTY, 7, True, 1.5, ["x"], ("a", "b")], ids=lambda v: str(v)[:20])
def test_what_is_no_name_is_refused(key: str, value: object) -> None:
    with pytest.raises(InputError) as caught:
        known(key, value, ())
    error = caught.value
    assert error.key == key
    assert error.allowed
    assert len(str(error)) < 1000


@pytest.mark.parametrize("key", sorted(TOKENS))
def test_an_upload_is_known_while_it_is_here_and_of_the_right_kind(key: str) -> None:
    here = set(TOKENS.values())
    assert known(key, TOKENS[key], here) == TOKENS[key]
    with pytest.raises(InputError, match="not here any more"):
        known(key, TOKENS[key], ())
    for other in here - {TOKENS[key]}:
        with pytest.raises(InputError):
            known(key, other, here)


@pytest.mark.parametrize("key", sorted(NAMES))
def test_every_name_and_alias_of_the_catalog_is_known_by_its_id(key: str) -> None:
    for row in catalog.table(NAMES[key][0]).values():
        for name in (row.id, *filter(None, row.text("aliases").split("|"))):
            assert known(key, name) == catalog.entity(NAMES[key][0], name).id


def test_what_comes_back_is_the_id_and_never_the_spelling() -> None:
    """The catalog forgives blanks and slashes; the disk must not see them."""
    for written in ("/h100-sxm5-80gb", "h100 sxm5 80gb", "../H100-SXM5-80GB"):
        try:
            found = known("machine.chip", written)
        except InputError:
            continue
        assert found == "H100-SXM5-80GB"


def test_a_misspelt_name_gets_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'H100-SXM5-80GB'"):
        known("machine.chip", "H100-SXM5-80G")


def test_a_visitors_chip_is_no_name_for_others(tmp_path: Path) -> None:
    from gigawatt.catalog import loader
    from gigawatt.machine import load_chip

    design = tmp_path / "chip-0123456789abcdef.yaml"
    design.write_text(
        "{name: my-chip, year: 2027, package: cowos-l, cooling: cold-plate, "
        "dies: {gpu: {node: n3, area: 600 mm^2, phys: 4}}, memory: {kind: hbm4, stacks: 4}}"
    )
    try:
        load_chip(str(design))
        assert "my-chip" in catalog.table("chips")
        with pytest.raises(InputError):
            known("machine.chip", "my-chip")
        load_chip("H100-parts")  # a design of the catalog is a name for everybody
        assert known("machine.chip", "H100-parts") == "H100-parts"
    finally:
        loader.forget()


def test_sections_are_looked_into() -> None:
    with pytest.raises(InputError):
        vetted({"machine": {"chip": "/etc/passwd"}})
    given = {"machine": {"chip": "h100", "count": 8}, "model": None, "year": 2030}
    assert vetted(given) == {
        "machine.chip": "H100-SXM5-80GB",
        "machine.count": 8,
        "model": None,
        "year": 2030,
    }


def test_the_last_look_sees_what_was_read(tmp_path: Path) -> None:
    file = tmp_path / "scenario.yaml"
    base = (
        "training: {tokens: 1T tokens}\nmachine: {chip: H100-SXM5-80GB, count: 8}\nsite: {name: abilene-texas"
    )
    for more, fine in (
        ("", True),
        (", weather: /etc/passwd", False),
        (f", weather: {TOKENS['site.weather']}", True),
    ):
        file.write_text(f"model: llama-3.1-8b\n{base}{more}}}\n")
        loaded = read_scenario(file)
        if fine:
            assert confirm(loaded, set(TOKENS.values())) is loaded
        else:
            with pytest.raises(InputError):
                confirm(loaded, set(TOKENS.values()))
    file.write_text(f"model: LLAMA-3.1-8B\n{base}}}\n")
    with pytest.raises(InputError, match=r"did you mean 'llama-3\.1-8b'"):
        confirm(read_scenario(file))


@given(st.text())
def test_a_token_has_one_form(text: str) -> None:
    assert is_token(text) is False
    for token in TOKENS.values():
        assert is_token(token)
        if text:
            assert not is_token(token + text)
            assert not is_token(text + token)
