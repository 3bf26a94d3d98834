"""Operations of encoders: what images and sound of a request cost before its prompt is computed.

A tower (:mod:`gigawatt.workload.towers`) sees patches of all images of a request together in its matrices,
and those of each image (or of a window) in attention; its projector makes the tokens that join the prompt.

References
----------
Dosovitskiy et al. 2021, arXiv:2010.11929 (vision transformers); Radford et al. 2023, arXiv:2212.04356
(sound).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gigawatt.workload.operation import FORMAT_BYTES, ONE, Array, Operation, memory
from gigawatt.workload.towers import Tower

__all__ = ["Encoded", "encoder_operations", "image_patches"]

_WIDE = FORMAT_BYTES["bf16"]
_PRODUCTS = 4.0
"""Matrices of a layer of a tower: query, key and value; output; two of the feed-forward part."""
_HEAD = 64.0
"""Width of a head; those of towers are 64 to 96."""
_NORMS = 2.0


@dataclass(frozen=True)
class Encoded:
    """What each request has for one tower: ``count`` images or sounds of ``patches`` each."""

    tower: Tower
    count: int
    patches: float

    @property
    def id(self) -> str:
        """Number and tokens of each: ``vision tower: 2 of 768 tokens``."""
        return f"{self.tower.name}: {self.count} of {self.tokens // self.count} tokens"

    @property
    def tokens(self) -> int:
        """Tokens that they add to a prompt."""
        return self.count * round(self.tower.tokens(self.patches))

    @property
    def flops(self) -> float:
        """FLOPs of a request, forward."""
        return self.count * self.tower.flops(self.patches)


def image_patches(tower: Tower, *, width: float, height: float) -> float:
    """Patches of an image of ``width`` × ``height`` pixels, its sides rounded to whole tokens, one at least.

    As Qwen's processors do: a token's side has 28 pixels in Qwen2.5-VL, 32 in Qwen3-VL.
    """
    side = float(tower.pixels * tower.merge) ** 0.5
    across, down = (max(round(length / side), 1) for length in (width, height))
    return float(across * down * tower.merge)


def encoder_operations(one: Encoded, *, tensor: Array, hidden: int) -> tuple[Operation, ...]:
    """What a tower does for one request on one of ``tensor`` (L,) ranks, which share heads and widths.

    ``hidden`` is the width of the language part. ``launches`` are those of all layers.
    """
    tower, layers = one.tower, float(one.tower.layers)
    rows, width = np.asarray(one.count * one.patches), float(tower.width)
    inner = np.asarray(width)
    outputs = tower.patch_weights / (layers * _PRODUCTS * width) / tensor
    found = [
        _product(f"{tower.name}.layers", rows, outputs, inner, layers * _PRODUCTS),
        memory(f"{tower.name}.norm", "forward", rows, width, 2.0 * rows * width * _WIDE, rows * width * _WIDE,
               layers * _NORMS, "bf16"),
    ]  # fmt: skip
    near = min(float(tower.window or one.patches), one.patches)
    for seen, times in ((one.patches, float(tower.full)), (near, layers - tower.full)):
        if times > 0.0:
            found.append(_attention(one, seen, times, tensor))
    if tower.token_weights:
        tokens, inner = np.asarray(float(one.tokens)), np.asarray(float(hidden))
        outputs = tower.token_weights / hidden / tensor
        found.append(_product(f"{tower.name}.projector", tokens, outputs, inner, 1.0))
    return tuple(found)


def _product(name: str, rows: Array, outputs: Array, inner: Array, launches: float) -> Operation:
    read, written = (rows * inner + inner * outputs) * _WIDE, rows * outputs * _WIDE
    return Operation(name, "gemm", "forward", rows, outputs, inner, ONE, 2.0 * rows * outputs * inner, read,
                     written, np.asarray(launches), "bf16")  # fmt: skip


def _attention(one: Encoded, seen: float, layers: float, tensor: Array) -> Operation:
    """Every patch of an image sees ``seen`` others, not causally, in ``layers`` layers."""
    rows, width = one.count * one.patches, one.tower.width / tensor
    heads = np.maximum(width / _HEAD, 1.0)
    groups = rows / seen
    each = np.asarray(rows) * width * _WIDE
    return Operation(
        f"{one.tower.name}.attention", "attention", "forward", np.asarray(seen), np.asarray(seen),
        np.asarray(_HEAD), groups * heads, 4.0 * width * rows * seen, 3.0 * each, each, np.asarray(layers),
        "bf16", rows * seen * heads,
    )  # fmt: skip
