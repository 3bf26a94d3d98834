"""Reading an architecture: a name of the catalog, or the path of any ``config.json``."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from gigawatt import catalog
from gigawatt.core.errors import InputError, nearest
from gigawatt.workload.architecture import Architecture, Block, Parameters, StateSpace
from gigawatt.workload.config import Config, load_config
from gigawatt.workload.families import FAMILIES, WRAPPERS, Layer, Model
from gigawatt.workload.matrices import count_parameters

__all__ = ["known_families", "list_models", "read_architecture"]


def list_models() -> list[str]:
    """Names of the models that the catalog ships."""
    return sorted(catalog.table("models"))


def known_families() -> list[str]:
    """Every ``model_type`` that can be read."""
    return sorted({*FAMILIES, *WRAPPERS})


def read_architecture(name_or_path: str | Path) -> Architecture:
    """The architecture of a model, with exact parameters.

    Parameters
    ----------
    name_or_path
        A name or alias of the catalog's models (case, ``-``, ``_`` and blanks do not matter), the path
        of a Hugging Face ``config.json``, or of a folder that holds one.

    Returns
    -------
    Architecture
        ``parameters`` equal those of transformers' own model (a tied head counted once). Of a wrapper
        around several towers (gemma3, kimi_k25, qwen3_vl, …) the text part is read. What transformers
        lacks is built as its authors describe it (:mod:`~gigawatt.workload.families_hybrid`).

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
    if path.is_dir():
        path = path / "config.json"
    looks_like_path = isinstance(name_or_path, Path) or path.suffix == ".json" or os.sep in str(name_or_path)
    if not path.exists() and not (looks_like_path and path.suffix == ".json"):
        names = {alias: key for key, entry in catalog.table("models").items() for alias in _names(entry)}
        close = nearest(str(name_or_path), names)
        raise InputError(
            "no such model",
            given=str(name_or_path),
            allowed="a name of `gigawatt catalog list models`, or the path of a config.json",
            nearest=names[close] if close else None,
        )
    return _read(path, path.parent.name if path.name == "config.json" else path.stem)


def _names(entry: catalog.Entity) -> list[str]:
    return [entry.id, *(alias for alias in entry.text("aliases").split("|") if alias)]


def _plain(text: str) -> str:
    return "".join(c for c in text.lower() if c.isalnum() or c == ".")  # 1.3b is not 13b


def _catalog_entry(name: str) -> catalog.Entity | None:
    wanted = _plain(name)
    for entry in catalog.table("models").values():
        if wanted and any(_plain(known) == wanted for known in _names(entry)):
            return entry
    return None


@lru_cache(maxsize=64)
def _read_cached(path: Path, name: str) -> Architecture:
    return _read(path, name)


def _read(path: Path, name: str) -> Architecture:
    values, text = load_config(path)
    family = values.get("model_type")
    if not isinstance(family, str):
        raise InputError(
            "this is no transformer's configuration: it has no model_type",
            file=path,
            key="model_type",
            allowed=known_families(),
        )
    wrapped = family in WRAPPERS
    nested = wrapped or (family in FAMILIES and isinstance(values.get("text_config"), dict))
    if not wrapped and family not in FAMILIES:
        line = text.count("\n", 0, max(text.find('"model_type"'), 0)) + 1
        raise InputError(
            "this model family is not known",
            file=path,
            line=line,
            key="model_type",
            given=family,
            allowed=known_families(),
            nearest=nearest(family, known_families()),
        )
    if nested:
        inner: Any = values.get("text_config")
        if not isinstance(inner, dict):
            raise InputError(
                "this key is missing",
                file=path,
                key="text_config",
                allowed=f"the text part of a {family} model",
            )
        # A wrapper may say on its own level whether the head is tied.
        outer = {key: value for key, value in values.items() if key == "tie_word_embeddings"}
        values = outer | cast("dict[str, Any]", inner)
        own: Any = values.get("model_type")
        usual = WRAPPERS.get(family, family)
        # Kimi K2.5 names its text part by either of two families.
        family = own if family == "kimi_k25" and isinstance(own, str) and own in FAMILIES else usual
    config = Config(values, file=path, text=text, family=family, nested=nested)
    return _architecture(config, FAMILIES[family](config), name=name, family=family)


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
        ),
        role=role,
        parallel=layer.parallel,
        mixer=layer.mixer,
        streams=layer.streams,
        scales=layer.scales,
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
