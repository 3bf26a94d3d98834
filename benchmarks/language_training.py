"""A small language model trained from scratch: the one whose weights nothing has rounded before us.

A model from a file of 4-bit weights says little of what rounding weights costs. This one is trained in mixed
precision (weights in fp32) on the training part of a text, with a tokenizer of its own, and kept in fp16; it
is small enough to travel with the package (``gigawatt/emulation/data/small``), and made again by
``benchmarks/train_small_model.py``.
"""

# pyright: reportMissingImports=false

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt.emulation.extra import needed
from gigawatt.emulation.text import Text

if TYPE_CHECKING:
    import torch

__all__ = ["SHAPE", "initialise", "train_small_model", "train_steps", "train_tokenizer"]

SHAPE: dict[str, int] = {
    "vocab_size": 2048,
    "hidden_size": 256,
    "intermediate_size": 640,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
}
"""Of the model that travels with the package: 3.3 M parameters, Llama architecture, tied embeddings."""

_BETAS, _DECAY, _CLIP = (0.9, 0.95), 0.1, 1.0
_WARM_UP = 0.05  # share of the steps over which the rate rises; then a cosine to a tenth


def train_tokenizer(text: Text, vocabulary: int) -> Any:
    """A byte-level pair-encoding tokenizer of the training part.

    Parameters
    ----------
    text : Text
        Its held-out part is not read.
    vocabulary : int
        Tokens, > 257.

    References
    ----------
    Sennrich et al. 2016, "Neural machine translation of rare words with subword units", arXiv:1508.07909;
    Radford et al. 2019 (bytes).
    """
    needed("tokenizers")
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=["<end>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    made.train_from_iterator(text.training, trainer)
    return made


def train_small_model(
    text: Text,
    folder: Path,
    *,
    seed: int = 0,
    epochs: float = 5.0,
    batch: int = 4,
    length: int = 512,
    rate: float = 3e-3,
    shape: dict[str, int] | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> dict[str, float]:
    """Train, and write ``config.json``, ``tokenizer.json``, ``model.safetensors`` (fp16) and ``made.json``.

    Parameters
    ----------
    text : Text
        Trained on its training part alone.
    folder : Path
        Made where it is not there.
    seed : int
        Of weights and order.
    epochs, batch, length, rate : float, int, int [tokens], float
        Passes over the text, windows a step, tokens a window, peak rate of AdamW.
    shape : dict, optional
        Of :data:`SHAPE`'s keys.
    progress : callable, optional
        Called with words and the share done.

    Returns
    -------
    dict
        ``steps``, ``tokens`` seen, ``loss`` of the last tenth [nats a token], ``cpu_seconds``.

    Raises
    ------
    MissingDataError
        The extra is not installed.

    References
    ----------
    Touvron et al. 2023, "LLaMA", arXiv:2302.13971 (architecture); Loshchilov and Hutter 2019, "Decoupled
    weight decay regularization", arXiv:1711.05101.
    """
    torch = needed("torch")
    needed("transformers")
    from safetensors.torch import save_file
    from transformers import LlamaConfig, LlamaForCausalLM

    started = time.process_time()
    sizes = {**SHAPE, **(shape or {})}
    tokenizer = train_tokenizer(text, sizes["vocab_size"])
    end = tokenizer.token_to_id("<end>")
    ids = np.concatenate([[*one.ids, end] for one in tokenizer.encode_batch(list(text.training))])
    torch.manual_seed(seed)
    config = LlamaConfig(**sizes, tie_word_embeddings=True, bos_token_id=end, eos_token_id=end)
    model = LlamaForCausalLM(config)
    initialise(model, sizes["hidden_size"], sizes["num_hidden_layers"])
    steps = max(2, math.ceil(epochs * (len(ids) - 1) / (batch * length)))
    losses = train_steps(model, ids, steps, seed, batch, length, rate, progress)
    folder.mkdir(parents=True, exist_ok=True)
    state = {k: v.detach().half() for k, v in model.state_dict().items() if k != "lm_head.weight"}
    save_file(state, str(folder / "model.safetensors"), metadata={"format": "pt"})
    config.dtype = "float16"
    config.architectures = ["LlamaForCausalLM"]
    config.save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    made = {
        "seed": float(seed),
        "steps": float(steps),
        "tokens": float(steps * batch * length),
        "loss": float(np.mean(losses[-max(1, steps // 10) :])),
        "cpu_seconds": time.process_time() - started,
    }
    (folder / "made.json").write_text(json.dumps({**made, "text": text.digest}, indent=1) + "\n")
    return made


def initialise(model: torch.nn.Module, width: int, layers: int) -> None:
    """Normal weights of 1/sqrt(width), those that end a residual branch smaller by sqrt(2 layers)."""
    import torch

    for name, weight in model.named_parameters():
        if weight.dim() == 2:
            spread = 0.02 if "embed" in name else width**-0.5
            if name.endswith(("o_proj.weight", "down_proj.weight")):
                spread /= math.sqrt(2.0 * layers)
            torch.nn.init.normal_(weight, std=spread)


def train_steps(
    model: Any,
    ids: np.ndarray,
    steps: int,
    seed: int,
    batch: int,
    length: int,
    rate: float,
    progress: Callable[[str, float], None] | None,
) -> list[float]:
    import torch

    wide = [p for p in model.parameters() if p.dim() == 2]
    narrow = [p for p in model.parameters() if p.dim() != 2]
    groups = [{"params": wide, "weight_decay": _DECAY}, {"params": narrow, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=rate, betas=_BETAS)
    warm = max(1, round(_WARM_UP * steps))

    def factor(step: int) -> float:
        if step < warm:
            return (step + 1) / warm
        return 0.1 + 0.45 * (1.0 + math.cos(math.pi * (step - warm) / max(steps - warm, 1)))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
    rng = np.random.default_rng(seed)
    starts = np.zeros(0, dtype=int)
    losses: list[float] = []
    for step in range(steps):
        if len(starts) < batch:  # a pass: windows one after the other from a drawn offset, shuffled
            first = rng.integers(length)
            starts = rng.permutation(np.arange(first, len(ids) - length - 1, length))
            starts = starts if len(starts) >= batch else rng.integers(0, len(ids) - length - 1, batch)
        mine, starts = starts[:batch], starts[batch:]
        windows = torch.tensor(np.stack([ids[s : s + length + 1] for s in mine]))
        with torch.autocast("cpu", dtype=torch.bfloat16):  # weights and their updates stay in fp32
            logits = model(input_ids=windows[:, :-1]).logits
        loss = torch.nn.functional.cross_entropy(logits.float().flatten(0, 1), windows[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), _CLIP)
        optimizer.step()
        schedule.step()
        losses.append(float(loss.detach()))
        if progress is not None:
            progress(f"Training, loss {losses[-1]:.3f}", (step + 1) / steps)
    return losses
