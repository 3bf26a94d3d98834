"""From rows to predictions: rules for what rows leave open, refusals, and the shipped scorecard itself."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from gigawatt.catalog import table
from gigawatt.core.errors import InputError
from gigawatt.performance import Software
from gigawatt.validation import Scorecard, prediction_band
from gigawatt.validation.files import Refusal, data_folder, rows_file
from gigawatt.validation.rows import Row, read_rows
from gigawatt.validation.training.band import coverage_left_out
from gigawatt.validation.training.card import prepare_all, training_card, validate_training
from gigawatt.validation.training.cases import prepare
from gigawatt.validation.training.regimes import OTHERS, REGIMES, maker_of, regime

ROWS = {row.id: row for row in read_rows(rows_file("training"))}
LEFT_OUT = {"default": 0.16, "stated": 0.13}
"""Mean errors of all but vTrain, makers left out, below which the written fit stays (wanted: 0.125, 0.10)."""
SHARED = Path(__file__).resolve().parents[3] / "shared/data/training/measured.csv"


def changed(row: Row, texts: dict[str, str] | None = None, **numbers: float | None) -> Row:
    merged = {**row.numbers, **numbers}
    kept = {key: value for key, value in merged.items() if value is not None}
    return Row(row.line, kept, {**row.texts, **(texts or {})})


def test_given_degrees_are_taken_as_they_are() -> None:
    case = prepare(ROWS["T1042"])  # 405B on 2,432 H100: TP8 PP8 VP8 CP2 DP19, microbatch 1
    expected = {"tensor": (8,), "pipeline": (8,), "interleave": (8,), "context": (2,), "data": (19,)}
    assert {name: case.options[name] for name in expected} == expected
    assert (case.options["microbatch"], case.options["expert"]) == ((1,), (1,))
    assert case.cluster.count == 2432
    assert case.number_format == "fp8"
    assert case.measured == pytest.approx(12.7006)


def test_missing_data_parallelism_is_what_is_left_over() -> None:
    case = prepare(changed(ROWS["T1042"], DP=None))
    assert case.options["data"] == (19,)


def test_degrees_that_do_not_multiply_are_refused_or_mended() -> None:
    mended = prepare(changed(ROWS["T1042"], DP=20))
    assert mended.options["data"] == (19,)
    assert any("DP 20 does not fit" in told for told in mended.assumptions)
    with pytest.raises(Refusal, match="the degrees do not multiply to the accelerators"):
        prepare(changed(ROWS["T1042"], TP=7))


def test_a_batch_is_rounded_with_its_step_time() -> None:
    row = ROWS["T0586"]  # GPT-NeoX-20B: 1,538 sequences over 12 x 4
    case = prepare(row)
    assert case.batch == 1536
    direct = prepare(changed(row, global_batch=1536))
    assert case.measured == pytest.approx(direct.measured)
    with pytest.raises(Refusal, match="the batch does not divide over the layout"):
        prepare(changed(row, global_batch=5))


def test_unknown_degrees_become_options() -> None:
    row = ROWS["T0530"]  # Megatron-LM README: microbatch and VP not in the table
    case = prepare(row)
    assert len(case.options["microbatch"]) > 1
    assert len(case.options["interleave"]) > 1
    assert any("microbatch is not given" in told for told in case.assumptions)
    everything = prepare(ROWS["T0588"])  # LLaMA 65B: no degree at all
    assert "data" not in everything.options
    assert any("tensor and pipeline parallelism are not given" in told for told in everything.assumptions)


def test_no_degree_but_data_means_data_parallel_alone() -> None:
    case = prepare(ROWS["T0543"])  # ZeRO-3 on 1,536 A100, model-parallel size 1
    assert (case.options["tensor"], case.options["pipeline"], case.options["zero"]) == ((1,), (1,), (3,))
    assert case.software.framework == "deepspeed", "of those usual on A100 in 2021 the one that has ZeRO 3"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (changed(ROWS["T1042"], seq_len=None), "no sequence length or global batch"),
        (changed(ROWS["T1042"], n_accel=None, DP=None), "the number of accelerators is not given"),
        (changed(ROWS["T1042"], {"accelerator": "Abacus 9000"}), "the accelerator is not in the catalog"),
        (changed(ROWS["T1042"], {"precision": "roman numerals"}), "the number format is not known"),
        (changed(ROWS["T0533"], {"precision": "fp8"}), "the accelerator has no rate in this number format"),
        (changed(ROWS["T0692"]), "the model's shape is not given"),
    ],
)
def test_refusals_say_why(row: Row, reason: str) -> None:
    with pytest.raises(Refusal) as caught:
        prepare(row)
    assert caught.value.reason == reason
    assert caught.value.detail


def test_the_network_of_a_row_replaces_the_usual_one() -> None:
    assert prepare(ROWS["T0893"]).cluster.scale_out.bandwidth == pytest.approx(6.25e9)  # 4 x 100 Gb/s for 8
    host_only = prepare(ROWS["T0997"]).cluster  # Gaudi2 has its own ports; 2 x 100 Gb/s are the host's
    assert host_only.scale_out.bandwidth == pytest.approx(37.5e9)


def test_software_is_the_default_for_every_source() -> None:
    unheard = {"source": "a blog", "source_loc": "", "notes": ""}
    for id in ("T1042", "T0533", "T0001"):
        row = ROWS[id]
        assert prepare(row).software == prepare(changed(row, unheard)).software
    assert prepare(ROWS["T1042"]).software.framework == "megatron-bridge"
    assert prepare(ROWS["T0533"]).software.framework == "megatron-core"


def test_told_software_is_what_the_words_of_a_row_name() -> None:
    def told(**texts: str) -> Software:
        return prepare(changed(ROWS["T1042"], {"source_loc": "", "notes": "", **texts}), told=True).software

    assert told(source="a blog on Megatron-Core 0.12").label == "megatron-core 0.12"
    assert told(source="torchtitan benchmarks").framework == "torchtitan"
    assert told(source="a blog").stated is False
    early = changed(ROWS["T0533"], {"source": "a blog on NeMo", "source_loc": "", "notes": ""}, year=2020)
    assert prepare(early, told=True).software.label == "megatron-bridge 2022", "the first there was"


def test_duplicate_runs_are_counted_once() -> None:
    row, other = ROWS["T1042"], changed(ROWS["T1042"], {"source": "a blog", "id": "again"})
    slower = changed(row, {"id": "slower"}, step_time_s=2.0 * (row.number("step_time_s") or 1.0))
    cases, refused = prepare_all([row, other, slower])
    assert [case.row.id for case in cases] == ["T1042", "slower"]
    assert [(one.reason, one.detail) for one in refused] == [("counted once already", "again is T1042")]


def test_regimes_and_makers() -> None:
    assert [regime(chip=chip, routed=routed) for chip, routed in (
        ("H100-SXM5-80GB", False), ("GB300", False), ("H100-SXM5-80GB", True), ("TPU-v5p", True),
        ("MI300X", False),
    )] == ["dense, A100/H100", "dense, Blackwell", "mixtures of experts", "TPU", OTHERS]  # fmt: skip
    assert maker_of("Korthikanti et al. 2022 Table 5") == maker_of("NVIDIA Megatron-LM README") == "NVIDIA"
    assert maker_of("a blog") == "a blog"


def test_refused_rows_are_counted_and_a_bad_file_is_an_error(tmp_path: Path) -> None:
    header = "id,source,accelerator,model,precision,n_accel,seq_len,global_batch,step_time_s,TP,PP"
    file = tmp_path / "rows.csv"
    file.write_text(
        f"{header}\nA,x,H100,llama3-8b,bf16,8,8192,128,9.5,1,1\nB,x,H100,mystery,bf16,8,8192,128,9.5,1,1\n"
        "C,x,Abacus,llama3-8b,bf16,8,8192,128,9.5,1,1\n",
        encoding="utf-8",
    )
    made = validate_training(file)
    assert (made.rows, len(made.judged), len(made.refused)) == (3, 1, 2)
    assert made.card().refused_reasons == {
        "the model's shape is not given": 1,
        "the accelerator is not in the catalog": 1,
    }
    assert made.judged[0].low < made.judged[0].predicted < made.judged[0].high
    file.write_text(header.replace("model", "modell") + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"rows.csv:1: model: this column is missing; .*mean 'modell'\?"):
        validate_training(file)


def test_the_headline_is_a_users_and_the_versions_stand_beside(tmp_path: Path) -> None:
    """The same run of two sources: a user gets one answer, those with the framework that is named differ."""
    columns = "id,source,source_loc,accelerator,model,precision,year,n_accel,seq_len,global_batch"
    header = f"{columns},step_time_s,TP,PP"
    run = "H100,llama-3.1-8b,bf16,2024,8,8192,128"
    file = tmp_path / "rows.csv"
    said = (("A", "MosaicML llm-foundry", 9.5), ("B", "MLPerf v4.0", 9.7))
    rows = (f"{id},{source},x,{run},{seconds},1,1" for id, source, seconds in said)
    file.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    asked, named = validate_training(file), validate_training(file, told=True)
    assert asked.judged[0].predicted == asked.judged[1].predicted
    assert named.judged[0].predicted != named.judged[1].predicted
    card = training_card(file).to_json()
    assert card["overall"]["mape"] == asked.overall.mape
    assert card["with_version"]["overall"]["mape"] == named.overall.mape
    assert card["regimes"]["dense, A100/H100"]["n"] == 2
    assert any("software nemo-mlperf 4.0" in text for text in named.judged[1].assumptions)
    assert not any("nemo-mlperf" in text for text in asked.judged[1].assumptions)


@pytest.fixture(scope="module")
def shipped() -> Scorecard:
    return validate_training(told=True)


def test_all_shipped_rows_are_accounted_for(shipped: Scorecard) -> None:
    plain = json.loads(json.dumps(shipped.card().to_json(), allow_nan=False))
    assert plain["rows"] == 2263 == plain["predicted"] + plain["refused"]
    assert plain["predicted"] > 2200
    assert sum(plain["refused_reasons"].values()) == plain["refused"]
    assert plain["parameters_fitted"] == sum(len(row.numbers) for row in table("software_fit").values())
    assert len(shipped.to_frame()) == 2263


@pytest.mark.parametrize("chip", ["A100", "H100"])
def test_dense_rows_beat_the_naive_baseline(shipped: Scorecard, chip: str) -> None:
    """Better than a constant utilisation, whose reported error is 18.2 %, on dense A100 and H100 rows."""
    mask = [
        one.accelerator.startswith(chip) and one.kind == "dense" and not one.source.startswith("vTrain")
        for one in shipped.judged
    ]
    ours, naive = shipped.select(mask)
    assert sum(mask) > 100
    assert ours.mape < 0.182
    assert ours.mape < naive.mape


@pytest.mark.parametrize("way", ["default", "stated"])
def test_errors_on_makers_left_out(way: str) -> None:
    """The written fit on makers left out stays below a constant utilisation and trees on the same folds."""
    written = json.loads((data_folder() / "fit.json").read_text(encoding="utf-8"))["errors"]
    found = written[f"maker left out, {way}"]["all but vTrain"]["mape"]
    assert found < LEFT_OUT[way]
    for other in ("constant utilisation", "trees"):
        assert found < written[f"maker left out, {other}"]["all but vTrain"]["mape"]


def test_no_number_is_fitted_to_an_accelerator() -> None:
    """So each is predicted as if left out: by its datasheet, kernels and the software that is stated."""
    written = json.loads((data_folder() / "fit.json").read_text(encoding="utf-8"))["errors"]
    assert not table("software_fit")
    assert written["in sample, stated"]["all but vTrain"]["mape"] < 0.15


@pytest.mark.parametrize("stated", [False, True])
def test_intervals_cover_rows_of_makers_left_out(stated: bool) -> None:
    by_row, by_maker = coverage_left_out(stated=stated)
    assert 0.85 <= by_row <= 0.95
    assert 0.85 <= by_maker <= 0.95


def test_the_band_holds_about_as_many_rows_as_it_says(shipped: Scorecard) -> None:
    held = np.array([one.low <= one.measured <= one.high for one in shipped.judged])
    sources = np.array([one.source for one in shipped.judged])
    by_source = [held[sources == source].mean() for source in dict.fromkeys(sources)]
    assert 0.8 <= np.mean(by_source) <= 1.0
    for name in REGIMES:
        band = prediction_band(regime=name)
        assert band.low < 1.0 < band.high
        assert prediction_band(regime=name, coverage=0.5).high < band.high


def test_the_baseline_is_the_one_reported(shipped: Scorecard) -> None:
    """A constant utilisation is reported to be off by 18.2 % in sample on 837 rows without vTrain; 714 of
    those are here, 674 of them predicted, and the median utilisation is a little better than the mean."""
    mask = np.array([not one.source.startswith("vTrain") for one in shipped.judged])
    naive = shipped.select(mask)[1]
    assert mask.sum() > 650
    assert 0.14 <= naive.mape <= 0.21


@pytest.mark.skipif(not SHARED.exists(), reason="the collection that the rows were copied from is not here")
def test_the_shipped_rows_are_all_of_the_collection() -> None:
    assert SHARED.read_bytes() == rows_file("training").read_bytes()
