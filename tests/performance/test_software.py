"""Software as flags: what a framework has on, what follows, and what is refused."""

from __future__ import annotations

from dataclasses import fields

import pytest

from gigawatt.catalog import table
from gigawatt.core.errors import InputError
from gigawatt.machine import build_cluster, load_chip
from gigawatt.performance import Layouts, TrainingRun, evaluate, load_software, load_stack
from gigawatt.performance.software import flags_named_in, framework_named_in, release_named_in
from gigawatt.performance.software_spread import software_spread
from gigawatt.workload import list_models, read_architecture

H100, A100, GB200 = (load_chip(name) for name in ("H100-SXM5-80GB", "A100-SXM4-80GB", "GB200"))


def test_the_tables_speak_of_what_is_there() -> None:
    flags, values, frameworks = (table(f"software_{name}") for name in ("flags", "values", "frameworks"))
    for row in values.values():
        assert row.id == "all:software" or row.id == f"{row.text('flag')}:{row.text('value')}"
        assert row.id == "all:software" or row.text("flag") in flags
    for row in flags.values():
        assert f"{row.id}:{row.text('usual')}" in values
    for row in table("software_versions").values():
        assert row.text("framework") in frameworks
        assert f"{row.text('flag')}:{row.text('value')}" in values
        assert 0.0 < row.value("share") <= 1.0
        assert float(row.text("since")) >= float(frameworks[row.text("framework")].text("since"))
    for row in table("software_recipes").values():
        assert row.text("framework") in frameworks
        assert row.text("model") in list_models()
        assert any(chip.startswith(tuple(row.text("chips").split("|"))) for chip in table("chips"))
        chip = next(one for one in table("chips") if one.startswith(row.text("chips").split("|")[0]))
        assert set(row.text("formats").split("|")) <= set(load_chip(chip).peak)
        assert {word.replace("=", ":") for word in row.text("settings").split()} <= set(values)
    for row in (*table("software_default").values(), *table("software_renamed").values()):
        assert row.text("framework") in frameworks
    for row in table("software_fit").values():
        assert set(row.numbers) <= set(values[row.id].numbers)


def test_every_parameter_is_set_by_one_flag() -> None:
    """A flag acts once: no number of the step is set by the values of two flags."""
    owner: dict[str, set[str]] = {}
    for row in table("software_values").values():
        for name in row.numbers:
            owner.setdefault(name, set()).add(row.text("flag"))
    assert all(len(flags) == 1 for flags in owner.values()), owner
    stack = load_stack("megatron-core", 2024)
    assert set(owner) <= {one.name for one in fields(stack)}


@pytest.mark.parametrize("name", list(table("software_frameworks")))
def test_shares_of_every_framework_make_one(name: str) -> None:
    for year in (2018, 2022, 2024, 2026):
        software = load_software(framework=name, year=year)
        for of in software.shares.values():
            assert sum(of.values()) == pytest.approx(1.0)
        assert software.stack().arithmetic > 0.0


def test_what_is_usual_of_a_chip_and_a_year() -> None:
    usual = [(A100, 2021), (A100, 2022), (H100, 2025), (GB200, 2026), (load_chip("TPU-v5p"), 2024),
             (load_chip("MI355X"), 2026), (load_chip("Gaudi3"), 2025),
             (load_chip("Trainium2"), 2025)]  # fmt: skip
    assert [load_software(chip=chip, year=year).framework for chip, year in usual] == [
        "megatron-core", "deepspeed", "megatron-bridge", "megatron-bridge", "maxtext", "primus",
        "optimum-habana", "neuronx",
    ]  # fmt: skip
    one = load_software(chip=H100, year=2025)
    assert sum(share for _, share in one.others) < 1.0
    assert not one.stated
    assert load_software(chip=load_chip("V100-SXM2-32GB"), year=2026).settings["attention"] == "unfused"


def test_a_model_has_the_software_of_its_maker_on_the_chip_that_it_was_trained_on() -> None:
    """DeepSeek-V3 Technical Report, section 3.2: HAI-LLM, on H800; others had not its parts before 2025."""
    h800, h100 = load_chip("H800-SXM5-80GB"), load_chip("H100-SXM5-80GB")
    assert load_software(chip=h800, year=2024, model="deepseek-v3").framework == "hai-llm"
    assert load_software(chip=h800, year=2024, model="deepseek-v3").others
    for chip, year, model in ((h800, 2024, None), (h800, 2024, "llama-3.1-70b"), (h100, 2024, "deepseek-v3"),
                              (h800, 2025, "deepseek-v3")):  # fmt: skip
        assert load_software(chip=chip, year=year, model=model).framework != "hai-llm"


def test_hopper_had_nemo_by_default_before_2025() -> None:
    """6 of 14 sources of rows of Hopper in 2023 and 2024 that name their software ran NeMo, 2 Megatron Core.
    Not the H800 and H20 of China, whose sources ran Megatron Core."""
    for chip, usual in (("H100-SXM5-80GB", "megatron-bridge"), ("H200-SXM-141GB", "megatron-bridge"),
                        ("H800-SXM5-80GB", "megatron-core")):  # fmt: skip
        one = load_chip(chip)
        for number_format in ("fp8", "bf16"):
            assert load_software(chip=one, year=2024, number_format=number_format).framework == usual, chip


def test_selective_recomputation_stands_for_part_of_the_layers_too() -> None:
    """Megatron and what is built on it repeat attention's core, or whole layers in part (recompute-method
    block); one column stands for both, by what saves memory: every second product, as torchtitan's."""
    for name in ("megatron-core 2025", "megatron-bridge 26.02", "nemo-mlperf 2025", "torchtitan 2025"):
        assert load_stack(*name.split()).selective_products == 1.0, name


def test_a_given_layout_leaves_out_frameworks_that_lack_it() -> None:
    """Megatron Core shares out weights (ZeRO 3) from 2025-10 on (section 2 of training features)."""
    chip = load_chip("A100")

    def framework(year: int, **layout: int) -> str:
        return load_software(chip=chip, year=year, layout=layout).framework

    assert framework(2023) == framework(2023, zero=1) == "megatron-core"
    assert framework(2023, zero=3) == "fsdp"
    assert framework(2023, zero=3, context=2) == framework(2023)  # none of the usual ones has both
    held = load_software(chip=chip, year=2023, layout={"zero": 3})
    assert {one.framework for one, _ in held.others} == {"deepspeed"}
    assert sum(share for _, share in held.others) < 0.5
    late = load_software(chip=load_chip("H100"), year=2025, layout={"zero": 3})
    assert late.framework == "megatron-bridge"  # within the year
    stated = load_software(chip=chip, framework="megatron-core", version="2023", layout={"zero": 3})
    assert stated.framework == "megatron-core"


def test_a_release_has_what_its_date_brought() -> None:
    """Sequence parallelism came in 2022, Transformer Engine with 0.4, graphs of a step with 26.06."""
    old, new = load_stack("megatron-core", 2021), load_stack("Megatron-LM", "0.4")
    assert dict(old.offers)["sequence_parallel"] == (0,)
    assert (old.attention_kernel, new.attention_kernel) == ("unfused", "cudnn")
    assert old.score_passes > 0.0 == new.score_passes
    before, after = (
        load_software(framework="nemo", version=of, chip=GB200, number_format="fp8").stack()
        for of in ("26.04", "26.06")
    )
    assert after.host < before.host
    assert after.routing_wait < before.routing_wait


def test_a_recipe_sets_the_flags_of_its_model_chip_and_format() -> None:
    """Megatron-Bridge's performance recipes: graphs of the whole step came with 0.5 (26.06), in 8 bits."""

    def flags(version: str, model: str | None = "deepseek-v3", form: str = "fp8", **more: str) -> list[str]:
        one = load_software(
            framework="nemo", version=version, chip=GB200, model=model, number_format=form, flags=more
        )
        return [one.settings[name] for name in ("overlap_expert", "dispatcher", "graphs", "routing")]

    assert flags("26.04") == ["off", "hybridep", "layer", "read-back"]
    assert flags("26.06") == ["on", "hybridep", "iteration", "on-device"]
    assert flags("26.06", form="bf16") == ["off", "hybridep", "layer", "read-back"]
    assert flags("26.04", graphs="none") == ["off", "hybridep", "none", "read-back"]  # what is stated holds
    assert flags("2025", "qwen3-235b-a22b")[2] == "layer"  # of a year alone, the recipe that came in it
    assert flags("25.04", "qwen3-235b-a22b")[2] == "none"  # before the first
    unsure = load_software(
        framework="nemo", version="26.06", chip=GB200, model="deepseek-v3", number_format="fp8"
    )
    assert 0.9 <= unsure.shares["graphs"]["iteration"] < 1.0
    assert unsure.recipe in table("software_recipes")
    assert load_software(framework="nemo", version="26.06", chip=GB200).recipe == ""
    assert flags("26.06", None, "bf16")[2] == "layer"  # of no model: what most recipes have


def test_waits_for_the_host_are_those_of_the_runtime_and_of_graphs() -> None:
    mi355x = load_chip("MI355X")
    hip, cuda = (load_stack("megatron-core", 2025, chip=chip) for chip in (mi355x, H100))
    assert (hip.host_times, cuda.host_times) == (2.0, 1.0)
    assert load_software(chip=mi355x, year=2025).settings["runtime"] == "hip"
    layer = load_stack("megatron-core", 2025, chip=GB200, graphs="layer")
    assert layer.wait_share < load_stack("megatron-core", 2025, chip=GB200, graphs="none").wait_share == 1.0


def test_a_stated_flag_is_what_it_says() -> None:
    stack = load_stack("megatron-core", 2024, chip=H100, attention="flash-3", overlap_expert="on")
    assert stack.attention_kernel == "flash-3"
    assert stack.overlap_expert > load_stack("megatron-core", 2024).overlap_expert
    assert stack.id == "megatron-core 2024, attention flash-3, overlap_expert on"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"framework": "megatron"}, None),
        ({"framework": "megatorn-core"}, "did you mean 'megatron-core'"),
        ({"framework": "megatron-core", "version": "0.99"}, "no such version"),
        ({"framework": "llama-3", "version": "1999"}, "no such version.*allowed: a year from 2023 on"),
        ({"framework": "megatron-bridge", "version": "2020"}, "there was no such framework yet"),
        ({"version": "0.12"}, "a version of which framework"),
        ({"flags": {"atention": "cudnn"}}, "did you mean 'attention'"),
        ({"flags": {"attention": "flash-9"}}, "no such value of this flag"),
        ({"flags": {"attention": "flash-3"}}, "A100-SXM4-80GB has no flash-3"),
        ({"flags": {"recipe": "mxfp8"}}, "A100-SXM4-80GB has no mxfp8"),
        ({"framework": "maxtext", "version": "2024"}, None),
        ({"framework": "primus"}, "primus does not run on A100"),
    ],
)
def test_what_cannot_be_is_one_line(asked: dict[str, object], said: str | None) -> None:
    if said is None:
        load_software(chip=A100, **asked)  # pyright: ignore[reportArgumentType]
        return
    with pytest.raises(InputError, match=said) as raised:
        load_software(chip=A100, **asked)  # pyright: ignore[reportArgumentType]
    assert "\n" not in str(raised.value)


def test_names_are_read_from_words() -> None:
    assert framework_named_in("NVIDIA Megatron-Bridge performance summary", H100) == "megatron-bridge"
    assert framework_named_in("MLPerf Training v4.1 raw logs, NeMo", H100) == "nemo-mlperf"
    assert framework_named_in("NeMo AutoModel performance summary", H100) == "torchtitan"  # on FSDP2
    assert framework_named_in("a paper that names none", H100) is None
    assert framework_named_in("Megatron-LM", load_chip("TPU-v5p")) is None
    assert release_named_in("docs of NeMo 26.02.01", "megatron-bridge") == "26.02.01"
    assert release_named_in("0.4 of the peak", "megatron-core") is None
    assert release_named_in("Megatron-Core 0.12", "megatron-core") == "0.12"


@pytest.mark.parametrize(
    ("text", "framework", "release"),
    [
        ("recipes@v25.05.03, README.md", "megatron-bridge", "25.04"),
        ("recipes@v24.11.1", "megatron-bridge", "24.09"),
        ("recipes@v25.04.02", "megatron-bridge", "25.04"),
        ("recipes@v25.05.03 with NeMo 25.02", "megatron-bridge", "25.02"),  # what is said goes before
        ("recipes@v25.05.03", "megatron-core", None),  # its releases are not named after months
        ("recipes@v20.01.1", "megatron-bridge", None),  # before the first
        ("recipes@5f0c2d1", "megatron-bridge", None),
    ],
)
def test_a_collection_named_after_its_month_has_the_release_before_it(
    text: str, framework: str, release: str | None
) -> None:
    assert release_named_in(text, framework) == release


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        ("FSDP, not compiled", {"fusion": "none"}),
        ("FSDP, torch.compile, AsyncTP", {"fusion": "compile", "overlap_tensor": "on"}),
        ("all-to-all dispatcher", {"dispatcher": "all-to-all"}),
        ("DeepEP; 1F1B overlap of all-to-all", {"dispatcher": "deepep", "overlap_expert": "on"}),
        ("no DeepEP", {}),
        ("recompiled, FlashAttention 2", {"attention": "flash-2"}),
        ("fp8 (rowwise)", {"recipe": "rowwise"}),
        ("mxfp8", {}),  # no H100 has it
    ],
)
def test_flags_are_read_from_words(text: str, flags: dict[str, str]) -> None:
    assert flags_named_in(text, load_chip("H100")) == flags


def test_words_of_one_flag_name_one_value() -> None:
    values = list(table("software_values").values())
    for flag in table("software_flags"):
        words = [w.lower() for v in values if v.text("flag") == flag for w in v.text("words").split("|") if w]
        assert len(words) == len(set(words)), flag


def test_draws_are_the_same_each_time_and_hold_the_likeliest() -> None:
    software = load_software(chip=H100, year=2024)
    first, second = software.drawn(16), software.drawn(16)
    assert first == second
    assert len({stack.id for stack in first}) > 1, "other frameworks are drawn as well"
    kernels = {stack.attention_kernel for stack in first}
    assert software.stack().attention_kernel in kernels


def test_spread_of_what_is_not_known() -> None:
    """Draws lie on both sides of the likeliest, a flag that is stated moves nothing any more."""
    run = TrainingRun(read_architecture("llama-3.1-8b"), 1e12, 8192, 512)
    cluster = build_cluster(chip="H100-SXM5-80GB", count=64)[0]
    layouts = Layouts.of(tensor=2, data=32, zero=1, microbatch=1, global_batch=512)
    open_ = load_software(chip=H100, framework="megatron-core", version="2024")
    found = software_spread(run, layouts, cluster, open_.stack())
    assert found is not None
    assert found.low <= 1.0 <= found.high
    assert "overlap_tensor" in found.flags
    assert found.flags["overlap_tensor"]["on"] < found.flags["overlap_tensor"]["off"] == 1.0
    closed = load_software(chip=H100, framework="megatron-core", version="2024", flags=open_.settings)
    sure = software_spread(run, layouts, cluster, closed.stack())
    assert sure is not None
    assert (sure.low, sure.high, dict(sure.flags)) == (1.0, 1.0, {})
    same = [float(evaluate(run, layouts, cluster, one.stack()).step_time[0]) for one in (open_, closed)]
    assert same[0] == same[1]
