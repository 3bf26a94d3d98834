"""Parameters against transformers' own models, errors as an interface."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt import catalog
from gigawatt.core.errors import InputError
from gigawatt.workload import known_families, list_models, read_architecture
from gigawatt.workload.architecture import DeltaRule, StateSpace
from gigawatt.workload.families import FAMILIES
from gigawatt.workload.family_rows import row_families, text_part
from gigawatt.workload.matrices import matrices
from gigawatt.workload.model_flops import model_flops_per_token
from workload.family_examples import BY_PUBLISHER, SAME

# Made by tests/oracles/workload_parameters.py with transformers on torch's meta device.
GOLDEN = json.loads(Path(__file__).with_name("golden_parameters.json").read_text())
SHARED = Path(__file__).parents[3] / "shared/data/models"
# Not counted here: billions of parameters as their publishers round them, and half of the last digit.
PUBLISHED = {
    "kimi-k3": (2800, 50), "nemotron-super-49b": (49.9, 0.05), "bloom-176b": (176.247, 5e-4),
    "gpt-j-6b": (6.0509, 5e-5), "qwen2.5-72b": (72.7, 0.05), "mistral-large-2407": (123, 0.5),
    "gemma-7b": (8.54, 0.005), "gemma-2b": (2.51, 0.005), "starcoder2-3b": (3.03, 0.005),
    "starcoder2-7b": (7.17, 0.005), "starcoder2-15b": (15.96, 0.005), "phi-3-medium": (14, 0.05),
    "qwen3-coder-480b-a35b": (480, 0.5), "llama-3.2-1b": (1.24, 0.005), "llama-3.2-3b": (3.21, 0.005),
    "qwen2.5-0.5b": (0.49, 0.005), "qwen2.5-1.5b": (1.54, 0.005), "qwen2.5-3b": (3.09, 0.005),
    "qwen2.5-14b": (14.8, 0.05), "qwen2.5-32b": (32.8, 0.05), "phi-4": (14.7, 0.05),
    "mistral-small-24b": (23.6, 0.05), "glm-4.5": (355, 3), "glm-4.5-air": (106, 1), "olmo-2-7b": (7.3, 0.05),
    "olmo-2-13b": (13.7, 0.05), "olmo-2-32b": (32.2, 0.05), "granite-3.1-8b": (8.17, 0.005),
    "command-r": (35, 0.05), "llama-7b": (6.7, 0.05), "llama-13b": (13, 0.05), "llama-33b": (32.5, 0.05),
    "opt-6.7b": (6.7, 0.05), "opt-13b": (13, 0.5), "opt-30b": (30, 0.5), "opt-66b": (66, 0.5),
    "opt-175b": (175, 0.5), "palm-8b": (8.63, 0.005), "palm-62b": (62.5, 0.005), "palm-540b": (540.35, 0.01),
    "glm-130b": (130, 2), "nemotron-4-15b": (15.6, 0.05), "nemotron-4-340b": (341, 0.5),
    "olmo-7b": (6.9, 0.05), "jais-13b": (13, 0.05),
}  # fmt: skip
# The loader keeps ``source_id`` for the evidence of numbers; this table has texts only.
with catalog.path("models.csv").open(newline="", encoding="utf-8") as stream:
    SOURCES = {row["id"]: row["source_id"] for row in csv.DictReader(stream)}
LLAMA = {
    "model_type": "llama",
    "hidden_size": 64,
    "intermediate_size": 80,
    "num_hidden_layers": 2,
    "num_attention_heads": 8,
    "vocab_size": 96,
}


def write(folder: Path, values: object) -> Path:
    file = folder / "config.json"
    file.write_text(values if isinstance(values, str) else json.dumps(values, indent=1))
    return file


@pytest.mark.parametrize("name", sorted(GOLDEN["shipped"]))
def test_parameters_of_shipped_models_equal_transformers(name: str) -> None:
    assert read_architecture(name).parameters.total == GOLDEN["shipped"][name]


def test_names_of_tuned_models_are_those_of_what_they_were_tuned_from(tmp_path: Path) -> None:
    for name, id_ in (
        ("meta-llama/Llama-3.1-8B-Instruct", "llama-3.1-8b"), ("gemma-3-27b-it", "gemma-3-27b"),
        ("Qwen/Qwen3-235B-A22B-Instruct-2507", "qwen3-235b-a22b"),
        ("mistral-large-2407", "mistral-large-2407"),
    ):  # fmt: skip
        assert read_architecture(name).name == id_
    own = tmp_path / "llama-3.1-8b"
    own.mkdir()
    write(own, LLAMA)
    assert read_architecture(str(own)).hidden == 64


def test_every_shipped_model_has_a_golden_count() -> None:
    assert set(list_models()) == set(GOLDEN["shipped"]) | set(PUBLISHED)


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_parameters_of_models_that_transformers_lacks_are_the_published_ones(name: str) -> None:
    billions, rounding = PUBLISHED[name]
    assert read_architecture(name).parameters.total / 1e9 == pytest.approx(billions, abs=rounding)


def test_every_family_is_among_the_golden_counts() -> None:
    shipped = {read_architecture(name).family for name in list_models()}
    variants = {case["config"]["model_type"] for case in GOLDEN["variants"].values()}
    texts = {(text_part(family) or family).split()[-1] for family in variants}
    rows = {family for family in row_families() if text_part(family) is None}
    assert shipped | texts | set(BY_PUBLISHER) | set(SAME) == {*FAMILIES, *rows}
    assert not (shipped | texts) & set(BY_PUBLISHER)


@pytest.mark.parametrize("name", sorted(GOLDEN["variants"]))
def test_parameters_of_unusual_variants_equal_transformers(name: str, tmp_path: Path) -> None:
    golden = GOLDEN["variants"][name]
    assert read_architecture(write(tmp_path, golden["config"])).parameters.total == golden["parameters"]


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared configurations are not on this machine")
def test_every_shared_configuration_is_counted() -> None:
    elsewhere = {"kimi_k3": "kimi-k3", "nemotron-nas": "nemotron-super-49b"}
    files = sorted(SHARED.glob("*.json"))
    for file in files:
        model = read_architecture(file)
        if file.stem in GOLDEN["other"]:
            assert model.parameters.total == GOLDEN["other"][file.stem], file.stem
        else:
            same = read_architecture(elsewhere[json.loads(file.read_text())["model_type"]])
            assert model == replace(same, name=model.name, file=model.file)
    assert len(files) == 102
    assert len(GOLDEN["other"]) == 100


@pytest.mark.parametrize(
    ("name", "billions", "source"),
    [
        ("deepseek-v3", 37, "DeepSeek-V3 Technical Report, abstract: 671B with 37B activated"),
        ("kimi-k2", 32, "Kimi K2 report, abstract: 1.04T with 32B activated"),
        ("qwen3-235b-a22b", 22, "Qwen3 report: 235B with 22B activated"),
        ("mixtral-8x7b", 13, "Mixtral of Experts, abstract: 47B, 13B active"),
        ("gpt-oss-120b", 5.1, "gpt-oss model card: 116.8B with 5.1B active, input embedding not counted"),
        ("llama-4-maverick", 17, "Llama 4 model card: 400B with 17B activated"),
        ("nemotron-3-nano-30b-a3b", 3.58, "Nemotron 3 Nano report: 31.6B, 3.6B active with embeddings"),
        ("deepseek-v4-pro", 49, "DeepSeek-V4 report, abstract: 1.6T with 49B activated"),
        (
            "deepseek-v4-flash",
            13,
            "DeepSeek-V4 report, abstract: 284B with 13B activated, embedding not counted",
        ),
        ("qwen3.5-397b-a17b", 17, "Qwen3.5 model card: 397B with 17B activated"),
        ("mimo-v2-flash", 15, "MiMo-V2-Flash report: 309B with 15B activated"),
    ],
)
def test_active_parameters_are_the_published_ones(name: str, billions: float, source: str) -> None:
    model = read_architecture(name)
    active = model.active_parameters - (
        model.parameters.embedding if "embedding not counted" in source else 0
    )
    assert active / 1e9 == pytest.approx(billions, rel=0.035), source


@pytest.mark.parametrize(
    ("name", "billions"),
    [
        ("gpt-1.7b", 1.7),
        ("gpt-3.6b", 3.6),
        ("gpt-7.5b", 7.5),
        ("gpt-18.4b", 18.4),
        ("gpt-39.1b", 39.1),
        ("gpt-76.1b", 76.1),
        ("gpt-145b", 145.6),
        ("gpt-310b", 310.1),
        ("gpt-530b", 529.6),
        ("gpt-1t", 1008.0),
    ],
)
def test_megatron_models_have_the_parameters_of_their_table(name: str, billions: float) -> None:
    # Narayanan et al. 2021, table 1, column "number of parameters (billion)".
    assert read_architecture(name).parameters.total / 1e9 == pytest.approx(billions, abs=0.0501)


def test_every_shipped_model_names_a_known_source() -> None:
    for entry in catalog.table("models").values():
        assert catalog.source(SOURCES[entry.id]).title
        assert catalog.path(f"models/{entry.text('file')}").exists()


def test_latent_down_projections_are_on_every_tensor_rank() -> None:
    model = read_architecture("deepseek-v3")
    assert model.parameters.replicated == 61 * 7168 * (1536 + 512 + 64)
    assert read_architecture("llama-3.1-8b").parameters.replicated == 0


def test_prediction_module_is_listed_but_not_counted() -> None:
    model = read_architecture("deepseek-v3")
    (module,) = [block for block in model.blocks if block.role == "prediction"]
    assert model.prediction_depth == module.count == 1
    # The report's 14B module shares embedding and head with the model (section 2.2), 2 x 0.93B of them.
    shared = model.parameters.embedding + model.parameters.head
    assert (model.prediction_parameters + shared) / 1e9 == pytest.approx(14, rel=0.05)
    assert sum(block.count for block in model.blocks if block.role == "layer") == model.layers == 61


@pytest.mark.parametrize("name", sorted(GOLDEN["shipped"]))
def test_blocks_add_up_to_the_model(name: str) -> None:
    model = read_architecture(name)
    layers = [block for block in model.blocks if block.role == "layer"]
    assert [model.order.count(i) for i in range(len(layers))] == [block.count for block in layers]
    norm = model.hidden * (2 if model.family in ("gpt2", "gpt_neox", "falcon") else 1)
    if model.streams > 1:  # what reads the streams before the head
        norm += model.streams * (model.streams * model.hidden + 1) + 1
    ends = model.parameters.embedding + model.parameters.head + norm
    assert sum(b.count * b.parameters.total for b in layers) + ends == model.parameters.total
    for block in model.blocks:
        weights = sum(matrix.parameters for matrix in matrices(model.hidden, block))
        streams = sum(matrix.parameters for matrix in matrices(model.hidden, block) if matrix.part == "norms")
        sinks = block.attention.heads if block.attention.sinks else 0
        vectors = 0
        if isinstance(block.mixer, StateSpace):
            m = block.mixer
            vectors = m.convolved * (m.kernel + 1) + 3 * m.heads + m.inner
        elif isinstance(block.mixer, DeltaRule):
            m = block.mixer
            decays = m.value_heads * m.key_dim if m.decay_rank else m.value_heads
            vectors = m.convolved * m.kernel + decays + m.value_heads + m.value_dim
        assert weights - streams + block.parameters.norms + sinks + vectors == block.parameters.total


def test_windows_lie_where_the_configuration_puts_them() -> None:
    gemma = read_architecture("gemma-3-27b")
    windows = [gemma.blocks[kind].attention.window for kind in gemma.order]
    assert windows == [None if (i + 1) % 6 == 0 else 1024 for i in range(62)]
    scout = read_architecture("llama-4-scout")
    assert [scout.blocks[kind].attention.chunk for kind in scout.order] == [8192, 8192, 8192, None] * 12


def test_kinds_of_layers_lie_where_the_configuration_puts_them() -> None:
    nano = read_architecture("nemotron3-nano")
    letters = {"mamba": "M", "moe": "E", "attention": "*"}
    pattern = json.loads(Path(nano.file).read_text())["hybrid_override_pattern"]
    assert "".join(letters[nano.blocks[kind].name] for kind in nano.order) == pattern
    assert [block.sublayers for block in nano.blocks] == [1, 1, 1]
    assert nano.attention.key_value_heads == 2
    assert not nano.attention.rotary
    qwen = read_architecture("qwen3.5-27b")
    assert [qwen.blocks[kind].mixer is None for kind in qwen.order] == [False, False, False, True] * 16
    flash = read_architecture("deepseek-v4-flash")
    rates = [flash.blocks[kind].attention.compression for kind in flash.order]
    assert rates == [0, 0, *[4, 128] * 20, 4]
    glm = read_architecture("glm-5.3")
    runs = [glm.blocks[kind].attention.indexer.runs for kind in glm.order]
    assert sum(runs) == 21
    assert runs[:7] == [True, True, True, False, False, False, True]


@settings(max_examples=40, deadline=None)
@given(st.floats(0.05, 8.0))
def test_wider_mixers_keep_their_groups(ratio: float) -> None:
    for name in ("nemotron3-super", "qwen3.5-27b"):
        mixer = next(block.mixer for block in read_architecture(name).blocks if block.mixer is not None)
        wider = mixer.widened(ratio)
        assert wider.inner >= mixer.inner if ratio >= 1 else wider.inner <= mixer.inner
        if isinstance(wider, StateSpace):
            assert wider.heads % wider.groups == 0
        else:
            assert wider.value_heads % wider.key_heads == 0


def test_measured_models_are_found_by_the_names_of_their_rows() -> None:
    names = (
        "nemotron3-nano",
        "nemotron3-super",
        "nemotron3-ultra",
        "nemotron3.5-lightning",
        "deepseek-v4-flash",
    )
    for name in names:
        assert read_architecture(name).parameters.total > 3e10


@pytest.mark.parametrize(
    ("name", "runs"), [("nemotron3-super", 2), ("nemotron3.5-lightning", 2), ("deepseek-v3", 1)]
)
def test_a_module_of_several_predictions_runs_once_for_each(name: str, runs: int) -> None:
    """Megatron-Bridge v0.6.0, recipes of Nemotron 3: mtp_num_layers 2, mtp_use_repeated_layer; DeepSeek-V3
    report, section 2.2: one module. Each run is its layer and the head, and no further weights."""
    model = read_architecture(name)
    module = next(block for block in model.blocks if block.role == "prediction")
    once = replace(
        model, blocks=tuple(replace(one, repeats=1) if one is module else one for one in model.blocks)
    )
    assert (model.prediction_depth, model.prediction_runs) == (1, runs)
    assert model.prediction_parameters == once.prediction_parameters == module.parameters.total
    bare = model_flops_per_token(model, 4096.0, prediction=False)
    added = model_flops_per_token(once, 4096.0) - bare
    assert model_flops_per_token(model, 4096.0) - bare == pytest.approx(runs * added)
    assert added > 6.0 * model.vocabulary * model.hidden


NEMOTRON = {
    "model_type": "nemotron_h",
    "hidden_size": 64,
    "num_attention_heads": 8,
    "vocab_size": 96,
    "hybrid_override_pattern": "M*-",
    "intermediate_size": 80,
    "mamba_num_heads": 8,
    "mamba_head_dim": 16,
    "ssm_state_size": 12,
    "n_groups": 2,
}
V4 = GOLDEN["variants"]["deepseek-v4-defaults"]["config"]
GLM = GOLDEN["variants"]["glm-pattern"]["config"]
KIMI = GOLDEN["variants"]["kimi-linear-defaults"]["config"]
NONE = {"no_op": True}
PUZZLE = {**LLAMA, "model_type": "nemotron-nas"}


@pytest.mark.parametrize(
    ("base", "change", "part"),
    [
        (NEMOTRON, {"hybrid_override_pattern": "M*?"}, "this kind of layer is not known; given '?'"),
        (NEMOTRON, {"hybrid_override_pattern": None}, "hybrid_override_pattern: this key is missing"),
        (NEMOTRON, {"n_groups": 3}, "n_groups: groups do not divide the heads; given 3"),
        (
            NEMOTRON,
            {"num_nextn_predict_layers": 1, "mtp_hybrid_override_pattern": "***"},
            "mtp_layers_block_type: a module of other than one mixing",
        ),
        (V4, {"compress_ratios": [4, 8]}, "compress_ratios: tokens pooled into one key"),
        (V4, {"o_groups": 3}, "o_groups: groups do not divide the heads; given 3"),
        (GLM, {"index_topk_pattern": "FFXSFS"}, "index_topk_pattern: one entry a layer"),
        (GLM, {"mlp_layer_types": ["dense"] * 5 + ["odd"]}, "this kind of layer is not known; given 'odd'"),
        (GLM, {"index_topk": 0}, "index_topk: this is not a size; given 0"),
        (KIMI, {"linear_attn_config": [1]}, "linear_attn_config: this is no object"),
        (PUZZLE, {"block_configs": [{}]}, "block_configs: one entry a layer; allowed: a list of 2 objects"),
        (PUZZLE, {"block_configs": [{"attention": NONE, "ffn": {"ffn_mult": -1}}] * 2}, "no width"),
    ],
)  # fmt: skip
def test_bad_values_of_newer_families_are_named(base: dict, change: dict, part: str, tmp_path: Path) -> None:
    assert part in _message({**base, **change}, tmp_path)


@pytest.mark.parametrize("spelling", ["Llama-3.1-405B", "llama 3.1 405b", "meta-llama/Llama-3.1-405B"])
def test_names_are_forgiving(spelling: str) -> None:
    assert read_architecture(spelling).name == "llama-3.1-405b"


def test_dots_tell_sizes_apart() -> None:
    assert read_architecture("GPT3-13B").layers == 40
    assert read_architecture("gpt3-1.3b").layers == 24


def test_folder_and_string_paths(tmp_path: Path) -> None:
    file = write(tmp_path, LLAMA)
    assert read_architecture(tmp_path) == read_architecture(str(file)) == read_architecture(file)


def test_unknown_name_names_the_nearest() -> None:
    with pytest.raises(
        InputError, match=r"no such model; given 'lama-3.1-405b'.*did you mean 'llama-3.1-405b'\?"
    ):
        read_architecture("lama-3.1-405b")


def _message(values: object, folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_architecture(write(folder, values))
    text = str(caught.value)
    assert "\n" not in text
    assert str(folder / "config.json") in text
    return text


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        ({"hidden_size": None}, ["hidden_size: this is not a size", ":3:", "a whole number from 1"]),
        ({"hidden_size": -64}, [":3: hidden_size", "given -64"]),
        ({"hidden_size": 0}, ["given 0"]),
        ({"hidden_size": 64.5}, ["given 64.5"]),
        ({"hidden_size": "64"}, ["given '64'"]),
        ({"hidden_size": True}, ["given True"]),
        ({"hidden_size": [64]}, ["given '[64]'"]),
        ({"num_hidden_layers": 10**9}, ["from 1 to 10000"]),
        ({"num_attention_heads": 7}, ["not a multiple of the number of heads", "a divisor of 64"]),
        (
            {"num_key_value_heads": 3},
            ["num_key_value_heads: key-value heads do not divide", "a divisor of 8"],
        ),
        ({"tie_word_embeddings": 1}, ["tie_word_embeddings: this is not a flag", "allowed: true, false"]),
        ({"model_type": "lama"}, ["model_type: this model family is not known", "did you mean 'llama'?"]),
        ({"model_type": 3}, ["no transformer's configuration"]),
    ],
)
def test_bad_values_are_named(change: dict, parts: list[str], tmp_path: Path) -> None:
    text = _message({**LLAMA, **change}, tmp_path)
    for part in parts:
        assert part in text


@pytest.mark.parametrize("key", [key for key in LLAMA if key != "model_type"])
def test_missing_keys_are_named(key: str, tmp_path: Path) -> None:
    text = _message({name: value for name, value in LLAMA.items() if name != key}, tmp_path)
    assert f"{key}: this key is missing" in text


def test_misspelt_key_is_suggested(tmp_path: Path) -> None:
    values = {("hiden_size" if key == "hidden_size" else key): value for key, value in LLAMA.items()}
    assert "did you mean 'hiden_size'?" in _message(values, tmp_path)


def test_more_experts_a_token_than_there_are(tmp_path: Path) -> None:
    values = {**LLAMA, "model_type": "mixtral", "num_local_experts": 2, "num_experts_per_tok": 3}
    assert "num_experts_per_tok: more experts a token than there are; given 3" in _message(values, tmp_path)


def test_nested_key_is_dotted_with_its_line(tmp_path: Path) -> None:
    values = {
        "model_type": "gemma3",
        "hidden_size": 1,
        "text_config": {"hidden_size": 0, "num_hidden_layers": 2},
    }
    assert ":5: text_config.hidden_size" in _message(values, tmp_path)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ('{\n "a": 1,\n}', ":3: broken JSON"),
        ("", "broken JSON"),
        ("[1, 2]", "this is no configuration"),
        ("{}", "no model_type"),
        ('{"model_type": "llama4"}', "text_config: this key is missing"),
        ("[" * 100_000, "broken JSON"),
        ('{"model_type": "llama", "hidden_size": ' + "9" * 5000 + "}", "broken JSON"),
    ],
)
def test_what_is_no_configuration_is_refused(text: str, part: str, tmp_path: Path) -> None:
    assert part in _message(text, tmp_path)


def test_missing_and_binary_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_architecture(tmp_path / "nothing.json")
    (tmp_path / "config.json").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(InputError, match="no text file"):
        read_architecture(tmp_path / "config.json")


def test_known_families_are_listed() -> None:
    assert {"llama", "gemma3", "llama4", "deepseek_v2", "kimi_k2", "olmo3", "mistral3"} <= set(
        known_families()
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_damaged_configurations_are_read_or_refused(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    files = sorted(catalog.path("models").glob("*.json"))
    file = data.draw(st.sampled_from([f for f in files if "defaults" not in f.name]))
    values = json.loads(file.read_text())
    target = values.get("text_config", values)
    for key in data.draw(st.lists(st.sampled_from(sorted(target)), max_size=3, unique=True)):
        if data.draw(st.booleans()):
            del target[key]
        else:
            target[key] = data.draw(JSON)
    broken = write(tmp_path_factory.mktemp("damaged"), values)
    try:
        model = read_architecture(broken)
    except InputError as error:
        assert "\n" not in str(error)  # noqa: PT017
    else:
        assert model.parameters.total > 0
        assert 0 < model.active_parameters <= model.parameters.total


@pytest.mark.parametrize(
    ("typed", "model"),
    [
        ("qwen3-235b", "qwen3-235b-a22b"),
        ("Qwen/Qwen3-235B", "qwen3-235b-a22b"),
        ("mistral large", "mistral-large-2407"),
        ("yi", "yi-34b"),
    ],
)
def test_the_beginning_of_one_name_alone_is_that_model(typed: str, model: str) -> None:
    assert read_architecture(typed).name == model


@pytest.mark.parametrize("typed", ["qwen3", "minimax-m2", "kimi", "gpt-oss", "-"])
def test_what_several_names_or_none_begin_with_is_refused(typed: str) -> None:
    with pytest.raises(InputError, match="no such model"):
        read_architecture(typed)


@pytest.mark.parametrize("typed", ["gpt-4o", "GPT4", "o3", "Claude 4", "gemini-2.5-pro", "grok-4"])
def test_a_model_that_is_not_published_says_so_and_what_would_do(typed: str) -> None:
    with pytest.raises(InputError, match=r"its architecture is not published.*a size: 33B"):
        read_architecture(typed)
