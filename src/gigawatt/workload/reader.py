"""Reading an architecture: a name of the catalog, or the path of any ``config.json``."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from gigawatt import catalog
from gigawatt.catalog.names import begins_one, plain_name
from gigawatt.core.errors import InputError, nearest
from gigawatt.workload.architecture import Architecture, Block, Parameters, StateSpace
from gigawatt.workload.checkpoint import read_checkpoint
from gigawatt.workload.config import Config, load_config
from gigawatt.workload.families import FAMILIES, Layer, Model
from gigawatt.workload.family_rows import (
    OWN,
    family_row,
    nearest_family,
    read_row,
    row_families,
    text_part,
)
from gigawatt.workload.matrices import count_parameters
from gigawatt.workload.sized import size_row, sized_architecture, sizes_of
from gigawatt.workload.towers import read_towers

ENCODER_DECODERS = frozenset(
    ("bart", "bigbird_pegasus", "blenderbot", "byt5", "led", "longt5", "m2m_100", "marian", "mbart", "mt5",
     "nllb_moe", "pegasus", "plbart", "prophetnet", "switch_transformers", "t5", "t5gemma", "t5gemma2",
     "umt5", "whisper")
)  # fmt: skip
"""``model_type`` of models whose decoder looks across at an encoder; refused by name."""

TEXT_KEYS = ("text_config", "llm_config", "language_config")
"""Where a model of several towers has its text part."""

THINKER = "thinker_config"
"""Where a model that also speaks (Qwen's Omni) has what it thinks with."""

FLAT = frozenset(("qwen2_vl", "qwen2_5_vl"))
"""Wrappers that earlier had the keys of their text part on the outermost level."""

__all__ = ["known_families", "list_models", "read_architecture"]


def list_models() -> list[str]:
    """Names of the models that the catalog ships."""
    return sorted(catalog.table("models"))


def known_families() -> list[str]:
    """Every ``model_type`` that can be read."""
    return sorted({*FAMILIES, *row_families()})


def read_architecture(name_or_path: str | Path) -> Architecture:
    """The architecture of a model, with exact parameters.

    Parameters
    ----------
    name_or_path
        A name or alias of the catalog's models (case, ``-``, ``_`` and blanks do not matter), or the
        beginning of one alone; the path of a Hugging Face ``config.json``, or of a folder that holds one;
        or a size, such as ``33B`` or ``236B-A23B`` (:mod:`~gigawatt.workload.sized`).

    Returns
    -------
    Architecture
        ``parameters`` equal those of transformers' own model (a tied head counted once). Of a wrapper
        around several towers (gemma3, kimi_k25, qwen3_vl, …) they are of the text part, towers stand
        beside. What transformers lacks is built as its authors describe it
        (:mod:`~gigawatt.workload.families_hybrid`).

    Raises
    ------
    InputError
        No such name (with the nearest), no such file, no JSON, no transformer, an unknown family, a key
        that is missing or no size: one line with file, line and key.
    """
    if isinstance(name_or_path, str):
        entry = _catalog_entry(name_or_path)
        if entry is not None:
            return _read_cached(catalog.path(f"models/{entry.text('file')}"), entry.id)
    path = Path(name_or_path).expanduser()
    if not path.exists() and sizes_of(str(name_or_path)) is not None:
        return _of_size(str(name_or_path).strip())
    if path.is_dir():
        path = path / "config.json"
    looks_like_path = isinstance(name_or_path, Path) or path.suffix == ".json" or os.sep in str(name_or_path)
    if not path.exists() and not (looks_like_path and path.suffix == ".json"):
        names = {alias: key for key, entry in catalog.table("models").items() for alias in _names(entry)}
        close = nearest(str(name_or_path), names)
        closed = _UNPUBLISHED.match(str(name_or_path))
        raise InputError(
            "its architecture is not published" if closed else "no such model",
            given=str(name_or_path),
            allowed="a name of `gigawatt catalog list models`, the path of a config.json, or a size: 33B, "
            "236B-A23B of a mixture of experts",
            nearest=names[close] if close and not closed else None,
        )
    return _read(path, path.parent.name if path.name == "config.json" else path.stem)


_UNPUBLISHED = re.compile(r"(gpt-?(3\.5|4|5)|o[134]\b|chatgpt|claude|gemini|grok-?[2-9])", re.IGNORECASE)
_OWNED = re.compile(r"(?:[\w-]{1,60}/)?([\w. -]{1,90})")
_TUNED = re.compile(r"[-_ ](instruct|it|chat|base|hf|thinking|pt)([-_ ]\d{4})?$", re.IGNORECASE)


def _names(entry: catalog.Entity) -> list[str]:
    return [entry.id, *(alias for alias in entry.text("aliases").split("|") if alias)]


def _catalog_entry(name: str) -> catalog.Entity | None:
    """The row of a name, or of it without its owner and what says how it was tuned: ``Instruct``, ``it``."""
    own = _OWNED.fullmatch(name)
    bare = "" if own is None or Path(name).exists() else _TUNED.sub("", own[1])
    for wanted in dict.fromkeys((plain_name(name), plain_name(bare))):
        for entry in catalog.table("models").values():
            if wanted and any(plain_name(known) == wanted for known in _names(entry)):
                return entry
    known = {alias: entry.id for entry in catalog.table("models").values() for alias in _names(entry)}
    begun = begins_one(bare, known) if bare else None
    return None if begun is None else catalog.table("models")[begun]


@lru_cache(maxsize=64)
def _of_size(name: str) -> Architecture:
    total, active = sizes_of(name) or (0.0, 0.0)
    reference = read_architecture(size_row(total, active).text("text"))
    return replace(sized_architecture(reference, total, active), name=name)


@lru_cache(maxsize=64)
def _read_cached(path: Path, name: str) -> Architecture:
    return _read(path, name)


def _read(path: Path, name: str) -> Architecture:
    values, text = load_config(path)
    thinker: Any = values.get(THINKER)
    if isinstance(thinker, dict):  # of a model that speaks as well, the part that thinks is read
        stored = {key: value for key, value in values.items() if key == "quantization_config"}
        values = stored | cast("dict[str, Any]", thinker)
    wrapper = _wrapper(values, path, text)
    family, place = _family(values, wrapper, path, text)
    outermost, nested = values, place is not None
    if place is not None:
        # A wrapper may say on its own level whether the head is tied.
        outer = {key: value for key, value in values.items() if key == "tie_word_embeddings"}
        values = outer | cast("dict[str, Any]", values[place])
    config = Config(values, file=path, text=text, family=family, nested=nested)
    model = read_row(config) if family_row(family) is not None else FAMILIES[family](config)
    found = _architecture(config, model, name=name, family=family)
    routed = any(layer.experts is not None for layer in model.layers)
    checkpoint = read_checkpoint(outermost, config, layers=found.layers, routed=routed)
    towers, uncounted = read_towers(outermost, config, wrapper)
    return replace(found, checkpoint=checkpoint, towers=towers, uncounted=uncounted)


def _wrapper(values: Mapping[str, Any], path: Path, text: str) -> str:
    """The model type that the configuration names, of a decoder."""
    family = values.get("model_type")
    if not isinstance(family, str):
        raise InputError(
            "this is no transformer's configuration: it has no model_type",
            file=path,
            key="model_type",
            allowed=known_families(),
        )
    if family in ENCODER_DECODERS or values.get("is_encoder_decoder") is True:
        raise InputError(
            "encoder-decoder models are not read yet",
            file=path,
            line=_line(text),
            key="model_type",
            given=family,
            allowed="decoders, and the text part of what has several towers",
        )
    return family


def _family(values: Mapping[str, Any], wrapper: str, path: Path, text: str) -> tuple[str, str | None]:
    """(family of the text part, key under which its configuration is; ``None``: on the outermost level)."""
    known, part = known_families(), text_part(wrapper)
    place = next((key for key in TEXT_KEYS if isinstance(values.get(key), dict)), None)
    inner: Any = values.get(place or "text_config")
    own: Any = cast("dict[str, Any]", inner).get("model_type") if isinstance(inner, dict) else None
    if part is None and wrapper not in known:
        if own not in known:
            raise InputError(
                "this model family is not known",
                file=path,
                line=_line(text),
                key="model_type",
                given=wrapper,
                allowed=known,
                nearest=nearest(wrapper, known) or nearest_family(values),
            )
        part = OWN
    if part is None:
        return wrapper, place
    if place is None and wrapper not in FLAT:
        raise InputError(
            "this key is missing",
            file=path,
            key="text_config",
            allowed=f"the text part of a {wrapper} model",
        )
    family = str(own) if OWN in part.split() and own is not None else part.split()[-1]
    if family not in known:
        raise InputError(
            "this model family is not known",
            file=path,
            key=f"{place}.model_type",
            given=str(own),
            allowed=known,
            nearest=nearest(str(own), known),
        )
    return family, place


def _line(text: str) -> int:
    return text.count("\n", 0, max(text.find('"model_type"'), 0)) + 1


def _architecture(c: Config, model: Model, *, name: str, family: str) -> Architecture:
    kinds = list(dict.fromkeys(model.layers))
    blocks = [_block(c, layer, model, model.layers.count(layer), "layer") for layer in kinds]
    blocks += [
        _block(c, layer, model, model.prediction.count(layer), "prediction")
        for layer in dict.fromkeys(model.prediction)
    ]
    place = {layer: i for i, layer in enumerate(kinds)}
    vocabulary = c.size("vocab_size")
    layers = [block for block in blocks if block.role == "layer"]

    def total(part: str) -> int:
        return sum(block.count * getattr(block.parameters, part) for block in layers)

    parameters = Parameters(
        attention=total("attention"),
        feed_forward=total("feed_forward"),
        experts=total("experts"),
        router=total("router"),
        norms=total("norms") + c.hidden * (2 if model.norm_bias else 1) + model.scales,
        embedding=(vocabulary + model.learned_positions) * c.hidden,
        head=0 if model.tied else vocabulary * c.hidden,
        replicated=total("replicated"),
    )
    idle = sum(
        block.count * block.parameters.experts * (e.count - e.per_token) // e.count
        for block in layers
        if (e := block.experts) is not None
    )
    return Architecture(
        name=name,
        family=family,
        hidden=c.hidden,
        vocabulary=vocabulary,
        layers=len(model.layers),
        blocks=tuple(blocks),
        order=tuple(place[layer] for layer in model.layers),
        tied_embeddings=model.tied,
        learned_positions=model.learned_positions,
        max_sequence=c.option("max_position_embeddings", "n_positions", "seq_length") or 0,
        parameters=parameters,
        active_parameters=parameters.total - idle,
        file=str(c.file),
    )


def _block(c: Config, layer: Layer, model: Model, count: int, role: str) -> Block:
    words = [_part(layer)]
    if layer.attention.window is not None:
        words.append("sliding")
    if layer.attention.chunk is not None:
        words.append("chunked")
    if layer.attention.compression:
        words.append(f"compressed-{layer.attention.compression}")
    if layer.attention.indexer is not None:
        words.append("sparse" if layer.attention.indexer.runs else "sparse-shared")
    if role != "layer":
        words.append(role)
    return Block(
        name="-".join(words),
        count=count,
        attention=layer.attention,
        feed_forward=layer.feed_forward,
        experts=layer.experts,
        norms=layer.norms,
        parameters=count_parameters(
            hidden=c.hidden,
            attention=layer.attention,
            feed_forward=layer.feed_forward,
            experts=layer.experts,
            norms=layer.norms,
            norm_bias=model.norm_bias,
            role=role,
            mixer=layer.mixer,
            streams=layer.streams,
            scales=layer.scales,
            sides=layer.sides,
            table=layer.table,
        ),
        role=role,
        parallel=layer.parallel,
        mixer=layer.mixer,
        streams=layer.streams,
        repeats=layer.repeats,
        scales=layer.scales,
        sides=layer.sides,
        table=layer.table,
    )


def _part(layer: Layer) -> str:
    """The block's name: what feeds forward, before it what mixes in the place of attention."""
    mixes = ""
    if layer.mixer is not None:
        mixes = "mamba" if isinstance(layer.mixer, StateSpace) else "linear"
    if layer.experts or layer.feed_forward:
        feeds = "moe" if layer.experts else "dense"
        return f"{mixes}-{feeds}" if mixes else feeds
    return mixes or "attention"
