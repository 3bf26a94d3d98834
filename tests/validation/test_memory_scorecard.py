"""The memory scorecard: every row judged or refused, and errors on sources that no number was fitted to."""

from __future__ import annotations

from pathlib import Path

import pytest

from gigawatt.core.errors import InputError
from gigawatt.performance.software import load_stack
from gigawatt.validation.files import Refusal, data_folder, table
from gigawatt.validation.memory import COUNTED, MemoryScorecard, memory_case, validate_memory
from gigawatt.validation.rows import read_rows


@pytest.fixture(scope="module")
def card() -> MemoryScorecard:
    return validate_memory()


def test_every_row_with_memory_is_judged(card: MemoryScorecard) -> None:
    """The 133 rows of the collection that report memory, and 59 of other sources."""
    assert len(card.judged) + sum(card.refused.values()) == 192
    assert not card.refused


def test_sources_that_judge_were_not_fitted_to(card: MemoryScorecard) -> None:
    """Peak memory within 5 % at the median, and nine in ten within 12 %, on sources not fitted."""
    errors = card.errors(role="judge")
    assert errors.median_ape < 0.05
    assert errors.p90_ape < 0.12
    assert abs(errors.bias) < 0.05


def test_bigscience_is_predicted_from_logs_of_another_machine(card: MemoryScorecard) -> None:
    """nvidia-smi of A100 in 2022, the allocator's waste fitted on V100 in 2021: mean error below 5.5 %."""
    errors = card.errors(source="BigScience benchmarking logs")
    assert errors.mape < 0.055


def test_megatron_core_allocates_what_simumax_measured(card: MemoryScorecard) -> None:
    """43 runs on B200, dense and routed, pipelines and contexts to 131,072: 1.5 % mean (SimuMax: 0.46 %)."""
    errors = card.errors(source="SimuMax B200 release v1.2", counted="allocated")
    assert errors.mape < 0.015
    routed = [one for one in card.select(counted="allocated") if one.model.startswith("deepseek")]
    assert len(routed) == 12
    assert max(abs(one.error) for one in routed) < 0.02


def test_only_what_a_source_counts_is_compared(card: MemoryScorecard) -> None:
    for one in card.judged:
        counted = sum(one.parts[name] for name in COUNTED[one.counted])
        assert one.predicted == pytest.approx(counted)
    assert {one.counted for one in card.judged} == set(COUNTED)


def test_rules_name_stacks_and_optimizers_that_exist() -> None:
    for record in table("memory_of_sources.csv"):
        assert record["counted"] in COUNTED
        assert record["role"] in ("fit", "judge")
        assert record["reason"]
        for part in filter(None, record["flags"].split(";")):
            load_stack("megatron-core", 2024, **dict([part.split("=")]))


def test_a_flag_of_memory_changes_memory_alone() -> None:
    """Another loss changes what memory needs and nothing that time needs."""
    plain, compiled = (load_stack("torchtitan", 2024, loss=loss) for loss in ("eager", "compiled"))
    assert compiled.logit_bytes < plain.logit_bytes
    assert (compiled.launch, compiled.bucket, compiled.optimizer) == (
        plain.launch,
        plain.bucket,
        plain.optimizer,
    )


def test_a_row_that_hides_its_layout_is_refused() -> None:
    rows = {row.id: row for row in read_rows(data_folder() / "memory.csv")}
    row = next(iter(rows.values()))
    with pytest.raises(Refusal, match="no memory is reported"):
        memory_case(type(row)(row.line, {k: v for k, v in row.numbers.items() if k != "mem_gib"}, row.texts))
    with pytest.raises(Refusal, match=r"does not tell its layout: .*microbatch"):
        memory_case(
            type(row)(row.line, {k: v for k, v in row.numbers.items() if k != "microbatch"}, row.texts)
        )
    strange = {**row.texts, "source": "a source without a rule"}
    with pytest.raises(Refusal, match="which memory this source counts"):
        memory_case(type(row)(row.line, row.numbers, strange))


def test_a_file_that_is_not_there_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        validate_memory(tmp_path / "none.csv")


def test_the_scorecard_as_data_and_as_a_table(card: MemoryScorecard) -> None:
    data = card.card().to_json()
    assert data["predicted"] + data["refused"] == data["rows"] == 192
    assert sum(group["n"] for group in data["groups"]) == data["predicted"]
    assert data["held_out"]["n"] == len(card.select(role="judge"))
    assert len(card.to_frame()) == data["predicted"]
