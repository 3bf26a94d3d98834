"""The schema: each field once, read, shown and exported from the same row."""

from __future__ import annotations

import csv
import json
import re
from importlib.resources import files
from pathlib import Path

import pytest
import yaml

from gigawatt.core.quantities import parse
from gigawatt.schema.exports import as_json_schema, as_table
from gigawatt.schema.fields import FIELDS, Field, field, fields, keys_under, nearest_key, sections
from gigawatt.schema.scenario import Scenario, read_scenario
from gigawatt.schema.settings import read_setting

ROOT = Path(__file__).parents[2]
EXAMPLES = [file for file in sorted((ROOT / "examples").glob("*.yaml")) if not file.stem.startswith("sweep")]
KINDS = {
    "quantity", "count", "name", "names", "choice", "number", "flag", "batch", "demand", "dates", "shape",
    "ranks", "columns", "powers", "files", "path", "prices", "resale", "runs", "settings",
    "year",
}  # fmt: skip


def test_a_field_stands_once_and_is_whole() -> None:
    assert len(fields()) == len(FIELDS)
    for one in FIELDS:
        assert one.kind in KINDS, one.key
        assert one.sentence, one.key
        assert not one.sentence.endswith("."), one.key
        assert one.example, one.key
        assert one.branch in ("", "training", "serving", "running"), one.key
        assert bool(one.control) <= bool(one.label and one.section), one.key
        if one.kind in ("quantity", "count", "path", "prices"):
            assert one.unit, one.key


@pytest.mark.parametrize("one", FIELDS, ids=lambda one: one.key)
def test_the_example_of_a_field_is_read(one: Field, tmp_path: Path) -> None:
    """What the docs and errors give as an example is a value that the reader takes."""
    serving = one.branch == "serving"
    base = {
        "model": "llama-3.1-8b",
        "machine": {"chip": "H100"},
        "site": {"name": "abilene-texas"},
        **({"serving": {}} if serving else {"training": {"tokens": "1T tokens"}}),
    }
    size = {"serving.demand": "10 requests/s"} if serving else {"machine.count": 64}
    sets = {**size, one.key: read_setting(one.key, one.example)}
    if one.key.startswith("rl."):  # one field of a step needs the others
        step = ("rl.steps", "rl.prompts", "rl.samples", "rl.prompt", "rl.response")
        sets = {key: read_setting(key, fields()[key].example) for key in step} | sets
        del base["training"]
        if one.key in ("rl.rollout_share", "rl.staleness"):
            sets["rl.mode"] = "asynchronous"
    if one.key == "machine.power":
        sets.pop("machine.count", None)
    if serving and one.key in ("machine.count", "machine.power"):
        sets.pop("serving.demand")
    for key, value in sets.items():
        at: dict = base
        *path, last = key.split(".")
        for part in path:
            at = at.setdefault(part, {})
        at[last] = value
    file = tmp_path / "scenario.yaml"
    file.write_text(yaml.safe_dump(base))
    written = read_scenario(file).written
    assert any(key == one.key or key.startswith(f"{one.key}.") for key in written)


def test_plausible_ranges_are_ranges_that_hold_the_example() -> None:
    for one in FIELDS:
        if not one.plausible:
            continue
        match = re.fullmatch(r"([\d.e+-]+)\.\.([\d.e+-]+)(?: (.+))?", one.plausible)
        assert match, one.key
        low, high, unit = float(match[1]), float(match[2]), match[3] or ""
        assert low < high, one.key
        if one.kind in ("quantity", "count") and one.unit not in ("", "1"):
            scale = parse(f"1 {unit}", one.unit)
            value = parse(one.example, one.unit)
            assert low * scale <= value <= high * scale, one.key


def test_a_word_of_the_reader_is_a_field_of_the_schema() -> None:
    """The model that reads a scenario is made of the fields and of nothing else."""

    def walk(model: type, prefix: str = "") -> list[str]:
        found: list[str] = []
        for name, info in model.model_fields.items():  # type: ignore[attr-defined]
            if f"{prefix}{name}" in sections():
                kinds = [info.annotation, *getattr(info.annotation, "__args__", ())]
                inner = next(kind for kind in kinds if hasattr(kind, "model_fields"))
                found += walk(inner, f"{prefix}{name}.")
            else:
                found.append(f"{prefix}{name}")
        return found

    assert sorted(walk(Scenario)) == sorted(fields())


def test_sections_and_what_is_inside_a_mapping() -> None:
    assert keys_under("supply.grid")[:5] == ["limit", "price", "year", "delivery", "hours"]
    inside = field("supply.limits.wind")
    assert inside is not None
    assert inside.key == "supply.limits"
    assert field("no.such") is None


def test_the_docs_have_the_table_of_the_schema() -> None:
    assert as_table() in (ROOT / "docs" / "scenario.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_the_json_schema_takes_the_examples(file: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.Draft202012Validator(as_json_schema()).validate(yaml.safe_load(file.read_text()))


def test_the_json_schema_refuses_what_the_reader_refuses() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = as_json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    good = yaml.safe_load(EXAMPLES[0].read_text())
    for wrong in (
        {"modle": "x"},
        {"layout": {"zero": 7}},
        {"year": 1999},
        {"supply": {"grid": {"prise": 1}}},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.Draft202012Validator(schema).validate({**good, **wrong})
    json.dumps(schema)


def test_words_of_others_lead_to_the_field_that_is_meant() -> None:
    with files("gigawatt.schema").joinpath("other_words.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        section, _, name = row["key"].rpartition(".")
        assert row["key"] in fields() or row["key"] in sections(), row
        assert row["word"] not in keys_under(section), row
        assert nearest_key(section, row["word"].upper()) == name
    assert nearest_key("machine", "chipp") == "chip"
    assert nearest_key("serving", "rate") == "demand"
    assert nearest_key("", "deadline") == "training.deadline"
    assert nearest_key("", "budget") == "economics.budget"
    assert nearest_key("", "gpu") == "machine.chip"
    assert nearest_key("training", "weather") == "site.weather"
    assert nearest_key("", "grid") == "supply.grid"
    assert nearest_key("site", "tokenizer") is None
