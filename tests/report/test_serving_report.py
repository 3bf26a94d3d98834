"""The faces of a campus that serves: the shipped example with fewer requests, run, saved, read, shown."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from band_ends import band_ends
from test_report import Page

import gigawatt
from gigawatt.core.errors import InputError
from gigawatt.core.result import Result
from gigawatt.core.store import as_json, load_result, save_result
from gigawatt.studies.run.far_off import card_bands, serving_ends
from gigawatt.studies.run.figures import NAMES, NAMES_SERVING, figure
from gigawatt.studies.run.grids import cards, table
from gigawatt.studies.run.render import render
from gigawatt.studies.run.sayings import subject
from gigawatt.studies.run.words import sentences, topics
from gigawatt.studies.run.words_serving import is_serving, left_out
from gigawatt.validation.serving.bands import serving_bands

EXAMPLE = Path(__file__).parents[2] / "examples" / "serve-llama-70b-virginia.yaml"
DRAWN = tuple(name for name in NAMES_SERVING if name != "bad_week")  # of the command alone
TABLES = (
    "breakdown", "configurations", "day", "energy", "flows", "formats", "hourly", "latency", "ledger",
    "memory", "per_token", "plants", "capacity_chain", "promise", "relief", "wall",
)  # fmt: skip


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Result:
    file = tmp_path_factory.mktemp("serving") / "few.yaml"
    text = EXAMPLE.read_text(encoding="utf-8")
    file.write_text(
        text.replace("serving:\n", "serving:\n  simulated_requests: 60000\n", 1), encoding="utf-8"
    )
    return gigawatt.load(file).run()


@pytest.fixture(scope="module")
def real(fresh: Result, tmp_path_factory: pytest.TempPathFactory) -> Result:
    return load_result(save_result(fresh, tmp_path_factory.mktemp("saved") / "few"))


def test_a_summary_names_images_and_adapters_of_requests() -> None:
    asked = {
        "model": "qwen3-vl-30b-a3b", "machine": {"chip": "H100"}, "site": "virginia",
        "supply": {"price": "80 $/MWh"},
        "serving": {
            "demand": "3 requests/s", "images": "2 of 1024x768", "simulated_requests": 20000,
            "adapters": "1000; rank=16; popularity=zipf(1)",
        },
    }  # fmt: skip
    first = sentences(gigawatt.run(asked).found)[0]
    assert "each request has 2 images (768 tokens each) before its prompt" in first
    assert "requests name one of the adapters, 1000 of rank 16 (all), zipf(1)" in first
    del asked["serving"]["images"], asked["serving"]["adapters"]  # type: ignore[attr-defined]
    plain = sentences(gigawatt.run(asked).found)[0]
    assert "image" not in plain
    assert "adapters" not in plain


def test_a_serving_result_is_shown_whole(real: Result) -> None:
    assert is_serving(real)
    page = Page(render(real))
    assert page.loads == []
    assert len(page.ids) == len(set(page.ids))
    assert "training" not in page.text.replace("training_factor", "").lower().split("assumptions")[0]
    for sentence in sentences(real):
        assert " ".join(sentence.split()) in page.text
    for notice in real.notices:
        assert " ".join(notice.split()) in page.text
    for item in real.assumptions:
        assert item.key in page.text
    assert "nan" not in page.text.lower().split()
    drawn = json.loads(page.scripts["figures"])
    assert set(drawn) == set(DRAWN)


def test_what_it_takes_binds_relieves_and_misses_is_said(real: Result) -> None:
    said = topics(real)
    order = ["serving", "waits", "error", "binding", "day", "facility", "supply", "money", "tokens", "trust"]
    assert list(said) == order
    assert f"{real['machine.count']:,} H100-SXM5-80GB" in said["serving"]
    assert f"{real['serving.replicas']:,} replicas" in said["serving"]
    assert "30,000 requests/s" in said["serving"]
    assert "99 % of them" in said["waits"]
    assert "TTFT within 450 ms and TPOT within 40 ms" in said["waits"]
    assert real["serving.binding"] in said["binding"]
    assert "doubling" in said["binding"]
    assert "that had not seen it" in said["error"]
    errors = left_out("vllm-2025", "H100-SXM5-80GB")
    assert errors["tpot"][2]
    assert 0.0 < errors["tpot"][0] < errors["tpot"][1]
    assert "not known" not in said["error"]
    assert left_out("no-engine", "H100-SXM5-80GB") == {}


@pytest.mark.parametrize("name", DRAWN)
def test_a_serving_figure_draws_fresh_and_saved(fresh: Result, real: Result, name: str) -> None:
    drawn = fresh.figure(name)
    assert len(drawn.data) > 0
    assert drawn.layout.title.text
    assert drawn.layout.paper_bgcolor == "rgba(0,0,0,0)"
    assert drawn.to_json() == figure(real, name).to_json()


def test_figures_are_those_of_the_kind_of_result(real: Result) -> None:
    with pytest.raises(InputError, match=r"no such figure; given 'dya'.*did you mean 'day'"):
        real.figure("dya")
    with pytest.raises(InputError, match=r"no such table|no such column"):
        real.figure("layouts")
    assert set(NAMES) & set(NAMES_SERVING) >= {"sankey", "capacity", "dispatch_summer"}


def test_the_drawn_day_is_the_table(real: Result) -> None:
    frame = real.tables["day"]
    traces = {trace.name: trace for trace in real.figure("day").data if trace.mode == "lines"}
    weekday = frame[frame["kind"] == "weekday"]
    np.testing.assert_allclose(traces["IT, weekday"].y, weekday["it [MW]"], rtol=1e-4)
    assert (frame["facility [MW]"] > frame["it [MW]"]).all()
    share = real.figure("time").data[0].x
    assert share[-1] == pytest.approx(100.0, abs=0.2)
    limits = [shape.x0 for shape in real.figure("latency").layout.shapes]
    assert limits == pytest.approx([0.45, 0.04])


def test_every_table_has_words_and_units(real: Result) -> None:
    assert set(real.tables) == set(TABLES)
    for name in TABLES:
        if name == "hourly":
            continue
        grid = table(real, name)
        assert grid is not None
        assert grid.caption
        assert all(len(row) == len(grid.head) for row in grid.rows), name
    assert {card.name for card in cards(real)} >= {"serving.ttft_p99", "economics.cost_million_output"}
    assert all(card.value not in ("", "–") for card in cards(real))


def test_the_answer_is_json(fresh: Result) -> None:
    answer = as_json(fresh)
    json.dumps(answer, allow_nan=False)
    assert answer["quantities"]["serving.replicas"]["value"] == fresh["serving.replicas"]
    assert len(answer["tables"]["day"]) == 48


def test_the_summary_in_the_terminal(real: Result) -> None:
    from rich.console import Console

    from gigawatt.faces.terminal.document import write_document
    from gigawatt.studies.run.document import document

    out = io.StringIO()
    write_document(document(real), Console(file=out, width=140))
    text = out.getvalue()
    for words in (
        "replicas that meet the latency target",
        "M written",
        "time of an accelerator at the peak",
        "requests/s",
    ):
        assert words in text
    assert "None" not in text
    assert "nan" not in text.lower().split()


def test_a_key_figure_lies_where_measured_rows_lay(real: Result) -> None:
    """The ends on a card are the factors of the scorecard's bands on the quantity that they judge."""
    found = card_bands(real)
    bands = serving_bands(subject(real, "serving.engine"))
    for metric, name, unit in (("ttft", "serving.ttft_p50", "s"), ("tpot", "serving.tpot_p50", "s")):
        ends = band_ends(found[name], unit)
        factors = (bands[metric].low, bands[metric].high)
        assert ends == pytest.approx([float(real[name]) * f for f in factors], rel=0.02)
    assert not {"serving.ttft_p99", "serving.throughput", "serving.rate"} & set(found)


def test_json_of_a_run_has_the_bands(real: Result) -> None:
    ends = serving_ends(real)
    assert set(ends) == {"serving.ttft_p50", "serving.tpot_p50", "serving.capacity", "machine.chip_power"}
    for one in ends.values():
        assert float(one["low"]) < float(one["value"]) < float(one["high"])
