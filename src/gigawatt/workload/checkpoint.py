"""Formats of a published checkpoint: what ``quantization_config`` says of weights, experts and cache.

A layer's modules are named as their publishers name them; those that are left out of the quantisation
(``ignore``, ``modules_to_not_convert``, ``exclude_modules``) stay in 16 bits. Attention, dense feed-forwards
and routed experts have one format each, that of most layers.
"""

from __future__ import annotations

import fnmatch
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from gigawatt.core.errors import InputError, nearest
from gigawatt.workload.config import Config

__all__ = ["METHODS", "PARTS", "Checkpoint", "read_checkpoint"]

PARTS: Mapping[str, tuple[str, ...]] = {
    "attention": (
        "self_attn", "self_attn.q_proj", "self_attn.o_proj", "self_attn.qkv_proj", "self_attn.kv_b_proj",
        "attn.wq_b", "attn.wo_b", "linear_attn.in_proj_qkv", "linear_attn.out_proj", "mixer.in_proj",
    ),
    "feed_forward": (
        "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj", "mlp.gate_up_proj", "feed_forward.up_proj",
        "mlp.shared_experts.up_proj", "mlp.shared_expert.up_proj", "feed_forward.shared_expert.up_proj",
        "ffn.shared_experts.w1", "mixer.shared_experts.up_proj", "mixer.up_proj",
    ),
    "experts": (
        "mlp.experts", "mlp.experts.0.up_proj", "mlp.experts.gate_up_proj", "block_sparse_moe.experts.0.w1",
        "feed_forward.experts", "feed_forward.experts.gate_up_proj", "ffn.experts", "ffn.experts.0.w1",
        "mixer.experts.0.up_proj",
    ),
}  # fmt: skip
"""A part of a layer → the modules that it is called by."""

_AROUND = ("model.layers", "model.language_model.layers", "language_model.model.layers", "backbone.layers",
           "layers")  # fmt: skip
_LEFT_OUT = ("ignore", "modules_to_not_convert", "exclude_modules", "ignored_layers", "llm_int8_skip_modules")
_MOST_STARS, _MOST_PATTERN, _MOST_PATTERNS, _MOST_LAYERS = 3, 200, 20_000, 200
_GROUPED = {32: "int4_g32", 64: "int4_g64", 128: "int4"}
_WIDE = "bf16"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Formats that a checkpoint stores; ``cache`` is empty where it says none.

    ``weights`` has those of attention and experts with it where they differ (``bf16 experts=mxfp4``), as
    ``serving.weights`` is written. ``said`` is how the configuration calls them, ``error`` why they cannot be
    read (then nothing else is known).
    """

    weights: str
    cache: str = ""
    said: str = ""
    error: InputError | None = None


class _Reader:
    """A ``quantization_config`` with the configuration that it stands in."""

    def __init__(self, c: Config, given: Mapping[str, Any]) -> None:
        self.c, self.given = c, given

    def error(self, key: str, message: str, given: object = None, allowed: str | None = None) -> InputError:
        shown = given if isinstance(given, (int, float, str)) or given is None else json.dumps(given)[:40]
        error = self.c.error(key, message, given=shown, allowed=allowed)
        error.key = f"quantization_config.{key}"
        return error

    def inside(self, key: str, kind: type) -> Any:
        """An object or a list within, by some publishers written as a text; ``None`` where it is left out."""
        found = self.given.get(key)
        if isinstance(found, str) and found[:1] in "{[":
            try:
                found = json.loads(found)
            except (ValueError, RecursionError):
                raise self.error(key, "broken JSON within a text") from None
        if found is not None and not isinstance(found, kind):
            what = "an object" if kind is dict else "a list"
            raise self.error(key, f"this is not {what}", found, f"{what}, or nothing")
        return found

    def whole(self, *keys: str) -> int | None:
        """The first of some numbers that is given."""
        for key in keys:
            found = self.given.get(key)
            if found is not None:
                if isinstance(found, bool) or not isinstance(found, int):
                    raise self.error(key, "this is not a number of bits", found, "a whole number")
                return found
        return None


def _integer(r: _Reader, bits: int | None, group: int | None, key: str = "bits") -> str:
    """Integers by their bits and the numbers that share a scale (of 4 bits; -1 or nothing: a row)."""
    if bits == 8:
        return "int8"
    form = _GROUPED.get(group or -1, "int4" if group in (None, -1, 0, 256, 512, 1024) else "")
    if bits != 4 or not form:
        raise r.error(
            key, "no such format of weights", f"{bits} bits, groups of {group}",
            f"8 bits, or 4 in groups of {', '.join(map(str, _GROUPED))}",
        )  # fmt: skip
    return form


def _scheme(r: _Reader, key: str, given: object) -> str:
    """The format of a group of compressed-tensors: ``num_bits``, ``type``, ``strategy``, ``group_size``."""
    if not isinstance(given, dict):
        return _WIDE if given is None else _unknown(r, key, given)
    scheme = cast("dict[str, Any]", given)
    bits, group, kind = scheme.get("num_bits"), scheme.get("group_size"), scheme.get("type", "int")
    if kind == "float" and bits == 8:
        return "fp8_block" if scheme.get("strategy") == "block" or scheme.get("block_structure") else "fp8"
    if kind == "float" and bits == 4:
        return "mxfp4" if group == 32 else "fp4"
    if kind == "int" and all(x is None or type(x) is int for x in (bits, group)):
        return _integer(r, bits, group, key)
    return _unknown(r, key, scheme)


def _unknown(r: _Reader, key: str, given: object) -> str:
    raise r.error(key, "no such format of weights", given, "floats of 8 or 4 bits, integers of 8 or 4")


_ALGORITHMS = {
    "FP8": "fp8", "FP8_PER_CHANNEL_PER_TOKEN": "fp8", "FP8_PB_WO": "fp8_block", "FP8_BLOCK": "fp8_block",
    "FP8_PB_REAL": "fp8_block", "NVFP4": "fp4", "NVFP4_AWQ": "fp4", "W4A16_NVFP4": "fp4", "MXFP4": "mxfp4",
    "W4A8_MXFP4_FP8": "mxfp4", "W4A16_AWQ": "int4", "W4A8_AWQ": "int4", "INT8_SQ": "int8",
    "W8A8_SQ_PER_CHANNEL": "int8", "W8A16": "int8", "MXFP8": "fp8",
}  # fmt: skip
"""Names of ModelOpt's algorithms → formats."""


def _algorithm(r: _Reader, given: object, key: str = "quant_algo") -> str:
    form = _ALGORITHMS.get(str(given).upper())
    if form is None:
        error = r.error(key, "no such format of weights", given, ", ".join(_ALGORITHMS))
        error.nearest = nearest(str(given).upper(), _ALGORITHMS)
        raise error
    return form


def _fp8(r: _Reader) -> str:
    return "fp8_block" if r.inside("weight_block_size", list) else "fp8"


def _bitsandbytes(r: _Reader) -> str:
    if r.given.get("load_in_4bit") or r.given.get("_load_in_4bit"):
        return "nf4"
    if r.given.get("load_in_8bit") or r.given.get("_load_in_8bit"):
        return "int8"
    raise r.error(
        "quant_method", "no such format of weights", "neither 4 nor 8 bits", "load_in_4bit, load_in_8bit"
    )


def _packed(r: _Reader) -> str:
    return _integer(r, r.whole("bits", "w_bit"), r.whole("group_size", "q_group_size"))


METHODS: Mapping[str, Callable[[_Reader], str]] = {
    "fp8": _fp8,
    "fbgemm_fp8": lambda r: "fp8",
    "mxfp4": lambda r: "mxfp4",
    "gptq": _packed,
    "awq": _packed,
    "auto-round": _packed,
    "bitsandbytes": _bitsandbytes,
    "modelopt": lambda r: _algorithm(r, r.given.get("quant_algo")),
    "modelopt_fp4": lambda r: "fp4",
    "compressed-tensors": lambda r: _unknown(r, "config_groups", r.given.get("config_groups")),
}
"""``quant_method`` → the format of what is not left out. Groups of layers, where given, say it themselves."""


def _cache(r: _Reader) -> str:
    """``kv_cache_scheme`` (an object or a word) or ``kv_cache_quant_algo``."""
    key = next((k for k in ("kv_cache_scheme", "kv_cache_quant_algo") if r.given.get(k) is not None), "")
    given: object = r.given.get(key) if key else None
    if given is None:
        return ""
    words = str(given).lower()
    if isinstance(given, dict):
        scheme = cast("dict[str, Any]", given)
        words = str(scheme.get("type")).replace("float", "fp") + str(scheme.get("num_bits"))
    if words in ("fp8", "fp8_e4m3", "fp8_ds_mla", "auto", "none"):
        return "fp8" if words.startswith("fp8") else ""
    raise r.error(key, "no such format of the cache", words, "8-bit floats")


def _matcher(r: _Reader, key: str, patterns: Iterable[object]) -> Callable[[str], bool]:
    """Whether a module is meant by any of some names, globs (``*``) or expressions (``re:``)."""
    exact: set[str] = set()
    globs: list[str] = []
    tests: list[re.Pattern[str]] = []
    for word in patterns:
        if not isinstance(word, str):
            raise r.error(key, "this is not a list", word, "a list of names")
        body = word.removeprefix("re:")
        if (
            len(body) > _MOST_PATTERN
            or len(re.findall(r"[*+{]", body)) > _MOST_STARS
            or re.search(r"\)[*+{]", body)
        ):
            raise r.error(
                key, "too much for the name of a module", word[:40], f"{_MOST_STARS} stars, not nested"
            )
        try:
            if word.startswith("re:"):
                tests.append(re.compile(body))
            elif "*" in word:
                globs.append(word)
            else:
                exact.add(word)
        except (re.error, RecursionError, OverflowError):
            raise r.error(key, "this is not an expression", word[:40], "such as re:.*lm_head") from None
    if globs:  # one that ends at a module means what is within it
        tests.append(
            re.compile("|".join(fnmatch.translate(word + end) for word in globs for end in ("", ".*")))
        )

    def meant(name: str) -> bool:
        steps = name.split(".")
        inner = (".".join(steps[i:j]) for i in range(len(steps)) for j in range(i + 1, len(steps) + 1))
        return any(part in exact for part in inner) or any(test.match(name) for test in tests)

    return meant


def _most(layers: range, form: Callable[[str], str], modules: tuple[str, ...]) -> str:
    """The format of most layers; of a layer what any spelling of its modules has beside the usual one."""
    found: Counter[str] = Counter()
    for i in layers:
        names = [f"{around}.{i}.{module}" for around in _AROUND for module in modules]
        usual = form("")
        found[next((x for x in map(form, names) if x != usual), usual)] += 1
    return found.most_common(1)[0][0]


_Said = list[tuple[Callable[[str], bool], str]]


def _layered(r: _Reader, layers: dict[str, Any]) -> _Said:
    """Formats of the modules that ``quantized_layers`` names one by one."""
    names: dict[str, list[str]] = {}
    for name, entry in layers.items():
        one = cast("dict[str, Any]", entry).get("quant_algo") if isinstance(entry, dict) else entry
        names.setdefault(_algorithm(r, one, "quantized_layers"), []).append(name)
    return [(_matcher(r, "quantized_layers", those), stored) for stored, those in names.items()]


def _grouped(r: _Reader, groups: dict[str, Any]) -> tuple[_Said, str]:
    """(formats of the modules that ``config_groups`` target by name, the format of all linear layers)."""
    said: _Said = []
    base = _WIDE
    for name, entry in groups.items():
        group = cast("dict[str, Any]", entry) if isinstance(entry, dict) else {}
        targets = cast("list[object]", group.get("targets") or ["Linear"])
        if not group or not isinstance(group.get("targets") or [], list):
            raise r.error("config_groups", "this is no group", name, "an object with weights and targets")
        stored = _scheme(r, "config_groups", group.get("weights"))
        if "Linear" in targets or "re:.*" in targets:
            base = stored
        else:
            said.append((_matcher(r, "config_groups", targets), stored))
    return said, base


def _forms(r: _Reader, method: str) -> Callable[[str], str]:
    """The format of a module by its name; of no name the format of what nothing is said of."""
    left = [(key, found) for key in _LEFT_OUT if (found := r.inside(key, list)) is not None]
    if sum(len(found) for _, found in left) > _MOST_PATTERNS:
        raise r.error(left[0][0], "too many names", allowed=f"{_MOST_PATTERNS}")
    ignored = [_matcher(r, key, found) for key, found in left]
    layers, groups = r.inside("quantized_layers", dict), r.inside("config_groups", dict)
    said: _Said = []
    wide = _WIDE
    if layers:
        said = _layered(r, layers)
        # What is left out of a second rounding keeps the first.
        wide = base = METHODS[method](r) if method == "fp8" else _WIDE
    elif groups:
        said, base = _grouped(r, groups)
    else:
        base = METHODS[method](r)

    def stored(name: str) -> str:
        own = next((one for meant, one in said if name and meant(name)), None)
        if name and any(meant(name) for meant in ignored):
            return (own if layers else None) or wide
        return own or base

    return stored


def _beside(file: Path) -> dict[str, Any] | None:
    """``hf_quant_config.json`` beside a ``config.json``, in which ModelOpt wrote what it did."""
    try:
        if file.name != "config.json":
            return None
        found = json.loads((file.parent / "hf_quant_config.json").read_text(encoding="utf-8"))["quantization"]
        return {"quant_method": "modelopt", **found}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def read_checkpoint(values: Mapping[str, Any], c: Config, *, layers: int, routed: bool) -> Checkpoint | None:
    """The formats of a checkpoint; ``None`` where its configuration says nothing of them.

    Parameters
    ----------
    values : mapping
        The outermost keys of the configuration.
    c : Config
        That of the language part, for messages.
    layers : int
        Of the model.
    routed : bool
        Whether it has routed experts.
    """
    found: Any = values.get("quantization_config") or c.values.get("quantization_config") or _beside(c.file)
    if not found:
        return None
    try:
        if not isinstance(found, dict):
            raise _Reader(c, {}).error("quant_method", "this is no object", found, "an object, or nothing")
        r = _Reader(c, cast("dict[str, Any]", found))
        method = _method(r)
        form = _forms(r, method)
        step = -(-layers // _MOST_LAYERS)
        parts = {name: _most(range(0, layers, step), form, modules) for name, modules in PARTS.items()}
        if method == "mxfp4":  # only experts are packed, whatever is left out
            parts = {**dict.fromkeys(PARTS, _WIDE), "experts": "mxfp4"}
        packed = "fp4" in (values.get("expert_dtype"), r.given.get("expert_dtype"))
        if packed and "quantized_layers" not in r.given:  # DeepSeek-V4: blocks of 32, scales powers of two
            parts["experts"] = "mxfp4"
        usual = parts["feed_forward"]
        others = ("attention", "experts") if routed else ("attention",)
        words = (usual, *(f"{name}={parts[name]}" for name in others if parts[name] != usual))
        return Checkpoint(" ".join(words), _cache(r), said=method)
    except InputError as error:
        return Checkpoint("", error=error)


def _method(r: _Reader) -> str:
    """``quant_method`` as it is called here; ModelOpt and compressed-tensors also write none."""
    given = r.given.get("quant_method")
    if given is None:
        given = "modelopt" if r.given.get("quant_algo") is not None else None
        given = "compressed-tensors" if given is None and "config_groups" in r.given else given
    spelled = {name.replace("_", "-"): name for name in METHODS}
    found = spelled.get(given.replace("_", "-")) if isinstance(given, str) else None
    if found is None:
        error = r.error("quant_method", "this method is not known", given, ", ".join(METHODS))
        error.nearest = nearest(str(given), METHODS)
        raise error
    return found
