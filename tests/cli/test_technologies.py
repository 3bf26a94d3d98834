"""``gigawatt technologies`` and its scorecard: documents, fronts, audits, refusals."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gigawatt import catalog
from gigawatt.chain.machine import technologies as room
from gigawatt.chain.machine.technologies import compare, list_substrates, money_of, read_model
from gigawatt.core.document import Again
from gigawatt.core.errors import InputError, MissingDataError
from gigawatt.faces.report import html
from gigawatt.faces.terminal.app import main
from gigawatt.machine.load import load_chip
from gigawatt.studies.technologies.audit import (
    audit,
    audited,
    best_digital,
    figure_of,
    peak_joules,
    shares_of,
)
from gigawatt.studies.technologies.document import document as report
from gigawatt.technology.measured import Measured, measured
from gigawatt.technology.rollup import BASE, token_cost
from gigawatt.technology.substrate import SCOPES, Substrate
from gigawatt.validation import validate
from gigawatt.validation.published import parts_of

GUIDE = Path(__file__).parent.parent.parent / "docs" / "technologies.md"


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)


def told(arguments: Sequence[str], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as left:
        main(list(arguments))
    assert left.value.code == 0
    return capsys.readouterr().out


def digital(name: str, **settings: float | str) -> Substrate:
    return Substrate(name, name, "digital", settings)


def three() -> list[Substrate]:
    fp8: dict[str, float | str] = {"weights": "fp8_e4m3", "activations": "fp8_e4m3", "cache": "fp8_e4m3"}
    return [BASE, digital("eight", **fp8), digital("four", weights="int4", weight_group="g128")]


def run(ratio: float) -> Measured:
    return Measured("smollm2-135m", 22.0 * ratio, 22.0, ratio, 0.99 * ratio, 1.01 * ratio, "measured", {})


@pytest.fixture
def quality(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stored runs of two of the three: eight bits lose a little, sixteen nothing."""
    stored = {"bf16": run(1.0), "eight": run(1.01)}
    monkeypatch.setattr(room, "measured", stored.get)


def test_a_comparison_has_costs_at_both_scopes_and_fronts_of_what_was_run(quality: None) -> None:
    found = compare(substrates=three())
    by_id = {row.substrate.id: row for row in found.rows}
    assert set(by_id) == {"bf16", "eight", "four"}
    assert by_id["four"].quality is None
    assert by_id["four"].fronts == ()  # nobody ran it: it has no place on a front
    everywhere = {f"{kind} {scope}" for kind in ("joules", "dollars") for scope in ("chip", "system")}
    assert set(by_id["bf16"].fronts) == everywhere  # the best quality
    assert set(by_id["eight"].fronts) == everywhere  # the least joules and dollars of those that were run
    for row in found.rows:
        assert row.cost.joules("chip") < row.cost.joules("system")
        assert 0.0 < row.money["chip"] < row.money["system"]


def test_what_another_beats_in_both_is_on_no_front(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = {"bf16": run(1.1), "eight": run(1.0), "four": run(1.3)}
    monkeypatch.setattr(room, "measured", stored.get)
    fronts = {row.substrate.id: row.fronts for row in compare(substrates=three()).rows}
    assert fronts["bf16"] == ()
    assert "joules chip" in fronts["eight"]
    assert "joules chip" in fronts["four"]


def page(document: Any) -> str:
    return html.page(report(document, Again("gigawatt technologies compare")))


def test_the_document_and_its_page(quality: None) -> None:
    document = compare(substrates=three(), batch=4.0).to_json()
    text = json.dumps(document, allow_nan=False)
    assert "135 million" in text
    assert document["scopes"] == ["chip", "system"]
    drawn = page(document)
    assert drawn.count('<figure class="drawn">') == 5  # two kinds at two scopes, and what a token is made of
    assert "not carried over" in drawn
    bare = {**document, "rows": [{**row, "perplexity_ratio": None} for row in document["rows"]]}
    assert page(bare).count('<figure class="drawn">') == 1


def test_money_is_capital_and_energy() -> None:
    made = token_cost(BASE, read_model("llama-3.1-8b"))
    row = catalog.entity("technologies_money", "default")
    dear = replace(made, energy={**made.energy, "weights": made.energy["weights"] + 1.0})
    for scope in ("chip", "system"):
        assert money_of(dear, scope) - money_of(made, scope) == pytest.approx(row.value("electricity"))
    wide = replace(made, area=1e-4)
    assert money_of(wide, "chip") > money_of(made, "chip")
    with pytest.raises(InputError):
        money_of(made, "macro")


def test_compare_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [
        "technologies",
        "compare",
        "--substrate",
        "northpole",
        "--model",
        "northpole-3b",
        "--batch",
        "28",
    ]
    document = json.loads(told([*words, "--context", "1024", "--json"], capsys))
    (row,) = document["rows"]
    assert row["joules"]["chip"] == pytest.approx(672.0 / 28356.0, rel=0.15)
    shown = told([*words, "--output", str(tmp_path / "out")], capsys)
    assert "northpole" in shown
    assert "not run" in shown
    assert {file.name for file in (tmp_path / "out").iterdir()} == {
        "technologies.json", "technologies.html", "technologies.md", "study.json"
    }  # fmt: skip


def test_all_substrates_have_a_cost_or_a_reason() -> None:
    found = compare()
    assert {row.substrate.id for row in found.rows} | {name for name, _ in found.refused} == set(
        list_substrates()
    )
    assert all(reason for _, reason in found.refused)


def test_a_setting_outside_its_range_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    for words, said in (("bf16:keep=2", "keep"), ("bf16:weight=int4", "weights"), ("bf17", "bf16")):
        with pytest.raises(SystemExit) as left:
            main(["technologies", "compare", "--substrate", words])
        assert left.value.code == 2
        assert said in capsys.readouterr().err


def test_only_a_stored_run_has_a_quality() -> None:
    assert measured("no such substrate") is None


# Published rows, each of which counts something: a scope of the four, or none.
def test_published_rows_are_of_a_scope_or_of_none() -> None:
    rows = catalog.table("technologies_published")
    assert len(rows) == 177
    assert all(row.text("scope") in (*SCOPES, "") for row in rows.values())
    assert not any(row.text("confidence") == "recall" for row in rows.values())
    assert all(row.numbers or row.text("claim") for row in rows.values())


@pytest.mark.parametrize("id", audited())
def test_every_audit_says_what_is_left_out_and_what_remains(id: str) -> None:
    found = audit(id)
    assert found.left_out
    assert found.said
    assert json.dumps(found.to_json(), allow_nan=False)
    assert all(factor > 0.0 for factor in found.factors.values())


def test_a_claim_on_attention_alone_is_bounded_by_attention() -> None:
    found = audit("gain-cell-attention")
    share = found.factors["share"]
    assert found.factors["claimed"] == 1e4
    assert 1.0 < found.factors["whole token"] < 1.0 / (1.0 - share) < 1.2


def test_the_factor_beside_a_gpu_falls_where_the_gpu_is_at_its_best() -> None:
    # 672 W over 28,356 tokens/s against a GPU with one sequence, and with as many as suit it.
    found = audit("northpole-gpu-ratio").factors
    assert found["claimed"] == 72.7
    assert found["batch 1 H100-SXM5-80GB"] < found["claimed"]
    assert found["best batch H100-SXM5-80GB"] < 1.0


def test_a_package_of_08_tops_a_watt_is_no_better_than_a_chip() -> None:
    # Lightmatter: 65.5 TOPS at 79.6 W. H100: 989 TFLOP/s dense in 700 W.
    assert figure_of("lightmatter").value == pytest.approx(65.5e12 / 79.6, rel=1e-3)
    assert audit("lightmatter").factors["peak H100-SXM5-80GB"] < 1.0


def test_lasers_and_modes_are_told_apart() -> None:
    with_lasers, without = (audit(name).factors for name in ("pace", "pace-without-lasers"))
    assert all(with_lasers[key] < without[key] for key in with_lasers)
    precise, fast = (audit(name).factors["peak H100-SXM5-80GB"] for name in ("hermes-precise", "hermes-fast"))
    assert fast / precise == pytest.approx(9.76 / 2.48, rel=1e-9)


def test_a_macro_is_set_beside_no_chip() -> None:
    assert not any(key.startswith("peak") for key in audit("afpr-cim").factors)


def test_the_peak_of_a_chip_is_its_limit_over_what_it_sustains() -> None:
    chip = load_chip("H100")
    assert peak_joules(chip.id, "bf16") > chip.power_limit / chip.peak["bf16"]
    assert peak_joules(chip.id, "int8") == pytest.approx(
        peak_joules(chip.id, "bf16") * chip.peak["bf16"] / chip.peak["int8"]
    )
    assert peak_joules(chip.id, "bf16", "system") > peak_joules(chip.id, "bf16")


def test_the_best_batch_takes_no_more_than_one_sequence() -> None:
    one, best = best_digital(read_model("llama-3.1-8b"), load_chip("H100"), "int8", 512.0)
    assert one.batch == 1.0
    assert best.joules("chip") < one.joules("chip")
    shares = shares_of(read_model("llama-3.1-8b"), load_chip("H100"), 512.0)
    assert shares["attention"] + shares["linear"] < 1.0


def test_unlike_scopes_are_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    shown = told(["technologies", "audit", "hermes-fast", "--against", "hermes-precise", "--json"], capsys)
    assert json.loads(shown)["ratio"] == pytest.approx(9.76 / 2.48)
    for one, other, said in (
        ("hermes-fast", "afpr-cim", "scope"),
        ("hermes-fast", "northpole-token", "unit"),
        ("teal-sparsity", "hermes-fast", "no machine"),
    ):
        with pytest.raises(SystemExit) as left:
            main(["technologies", "audit", one, "--against", other])
        assert left.value.code == 2
        assert said in capsys.readouterr().err


def test_audits_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert "lightmatter" in told(["technologies", "audit"], capsys)
    assert len(json.loads(told(["technologies", "audit", "--json"], capsys))) == len(audited())
    shown = told(["technologies", "audit", "pace", "--model", "northpole-3b"], capsys)
    assert "lasers" in shown
    document = json.loads(told(["technologies", "audit", "pace", "--json"], capsys))
    assert document["scope"] == "chip"


def test_what_cannot_be_audited_says_why() -> None:
    with pytest.raises(InputError, match="no such entry") as unknown:
        audit("lightmater")
    assert unknown.value.nearest is not None
    with pytest.raises(InputError, match="no machine"):
        audit("teal-sparsity")
    with pytest.raises(InputError, match="no rule"):
        audit("northpole-power")


def test_an_empty_catalog_of_substrates_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "list_substrates", list)
    with pytest.raises(MissingDataError):
        compare()


def test_the_scorecard(capsys: pytest.CaptureFixture[str]) -> None:
    card = validate("technologies", parts=("cost", "near_memory"))
    missed = [check.what for check in card.checks if not check.ok]
    assert missed == []
    assert any(check.fitted for check in card.checks)
    assert card.to_json()["table"] == "technologies"
    with pytest.raises(InputError):
        validate("technologies", parts=("levitation",))
    assert "near_memory" in parts_of("technologies")


def cells(begins: str) -> list[str]:
    (line,) = [row for row in GUIDE.read_text(encoding="utf-8").splitlines() if row.startswith(f"| {begins}")]
    return [cell.strip() for cell in line.strip("|").split("|")]


@pytest.mark.parametrize(
    ("begins", "id"),
    [
        ("Lightmatter", "lightmatter"),
        ("HERMES, precise", "hermes-precise"),
        ("HERMES, coarse", "hermes-fast"),
        ("PACE", "pace"),
        ("NorthPole, ", "northpole-gpu-ratio"),
    ],
)
def test_the_guide_s_audits_are_those_of_the_command(begins: str, id: str) -> None:
    found = audit(id).factors
    columns = ("peak", "batch 1", "best batch")
    for column, written in zip(columns, cells(begins)[1:], strict=True):
        if written:
            assert found[f"{column} H100-SXM5-80GB"] == pytest.approx(float(written), rel=0.06)


def test_the_guide_s_numbers_of_northpole_are_those_of_the_scorecard() -> None:
    card = validate("technologies", parts=("near_memory",))
    by_name = {check.what: check for check in card.checks}
    for begins, what, scale in (
        ("mJ a token, 3B", "J a token of the 3B model, cards", 1e3),
        ("ms a token of the 8B", "Seconds a token of the 8B model", 1e3),
        ("tokens/s of the 3B", "Tokens a second", 1.0),
    ):
        ours, published = (float(cell.replace(",", "")) for cell in cells(begins)[1:3])
        assert ours == pytest.approx(by_name[what].ours * scale, rel=0.01)
        assert published == pytest.approx(by_name[what].published * scale, rel=0.01)


def test_bits_that_a_run_counted_stay_with_its_model(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = replace(run(1.01), statistics={"weight_bits": 9.0, "activation_zeros": 0.5})
    monkeypatch.setattr(room, "measured", lambda name: counted)
    four = digital("four", weights="int4", weight_group="g128")
    (other,) = compare(substrates=[four]).rows
    (own,) = compare(substrates=[four], model="smollm2-135m").rows
    plain = token_cost(four, read_model("llama-3.1-8b"))
    assert other.cost.energy == plain.energy
    assert own.cost.energy["weights"] > token_cost(four, read_model("smollm2-135m")).energy["weights"]


def test_settings_move_the_dollars_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    def rows(*settings: str) -> list[dict]:
        words = [part for one in settings for part in ("--set", one)]
        with pytest.raises(SystemExit):
            main(["technologies", "compare", "--substrate", "int8", "--json", *words])
        return json.loads(capsys.readouterr().out)["rows"]

    usual = rows()[0]
    for setting in ("supply.price=400 $/MWh", "economics.chip_price=90 k$", "economics.chip_life=2 years",
                    "economics.discount_rate=15 %", "economics.chip_bought=2023"):  # fmt: skip
        moved = rows(setting)[0]
        assert moved["dollars"]["system"] > usual["dollars"]["system"], setting
        assert moved["joules"] == usual["joules"]


def test_a_field_that_no_dollar_follows_from_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as done:
        main(["technologies", "compare", "--set", "supply.grid.price=40 $/MWh"])
    assert done.value.code == 2
    assert "supply.grid.price: technologies compare does not use this field" in capsys.readouterr().err
