"""Mixers of families that are rows: from a ``mixer`` cell to its descriptor."""

from __future__ import annotations

from gigawatt.workload.cells import Cell
from gigawatt.workload.config import Config
from gigawatt.workload.mixers import LinearAttention, Mixer, SelectiveScan, StateSpace

__all__ = ["mixer"]


def mixer(c: Config, cell: Cell) -> Mixer:
    """What mixes tokens in the place of attention, by the ``kind`` of the cell.

    ``mamba`` (1), ``mamba2``, ``lightning`` (MiniMax-01), ``rwkv6``, ``rwkv7``.
    """
    return {"mamba": _mamba, "mamba2": _mamba2, "lightning": _lightning, "rwkv6": _rwkv6, "rwkv7": _rwkv7}[
        cell.word("kind")
    ](c, cell)


def _mamba(c: Config, cell: Cell) -> SelectiveScan:
    """Mamba-1; a rank of the step that is ``auto`` is the hidden size over 16, rounded up."""
    return SelectiveScan(
        inner=cell.size("inner"),
        state=cell.number("state") or 16,
        rank=_unless_auto(c, cell, "rank") or -(-c.hidden // 16),
        kernel=cell.number("kernel") or 4,
        bias=cell.flag("bias"),
        convolution_bias=cell.flag("convolution_bias", True),
        norms=cell.flag("norms"),
    )


def _unless_auto(c: Config, cell: Cell, field: str) -> int | None:
    """A size that a configuration may leave to its class by the word ``auto``."""
    given = next((key for key in cell.keys(field) if key in c.values), None)
    return None if given is None or c.values[given] == "auto" else cell.number(field, least=1)


def _mamba2(c: Config, cell: Cell) -> StateSpace:
    heads, groups = cell.size("heads"), cell.number("groups") or 1
    if heads % groups:
        key, allowed = cell.keys("groups")[0], f"a divisor of {heads}"
        raise c.error(key, "groups do not divide the heads", given=groups, allowed=allowed)
    inner = cell.number("inner", least=1)
    width = _unless_auto(c, cell, "width")
    if width is None:
        if inner is None or inner % heads:
            key = cell.keys("heads")[0]
            raise c.error(key, "heads do not divide the mixer's width", given=heads)
        width = inner // heads
    return StateSpace(
        heads=heads,
        head_dim=width,
        state=cell.size("state"),
        groups=groups,
        kernel=cell.number("kernel") or 4,
        chunk=cell.number("chunk", least=1) or 256,
        bias=cell.flag("bias"),
        convolution_bias=cell.flag("convolution_bias", True),
        norm=cell.flag("norm", True),
    )


def _lightning(c: Config, cell: Cell) -> LinearAttention:
    """Lightning attention: as many key as query heads, an output gate, a norm over all heads."""
    width = c.head_dim()
    return LinearAttention(
        heads=c.heads,
        key_dim=width,
        value_dim=width,
        chunk=cell.number("chunk", least=1) or 256,
        small=c.heads * width,
    )


def _heads(c: Config, cell: Cell) -> tuple[int, int]:
    width = cell.number("width", 64, least=1) or 64
    if c.hidden % width:
        key = cell.keys("width")[0]
        raise c.error(
            key, "heads do not divide the hidden size", given=width, allowed=f"a divisor of {c.hidden}"
        )
    return c.hidden // width, width


def _rwkv6(c: Config, cell: Cell) -> LinearAttention:
    """RWKV-6: five projections mix a token with the one before by low rank, the decay by another.

    Six mixing vectors, decay and bonus of every channel, a group norm with bias.
    """
    heads, width = _heads(c, cell)
    mix, decay = cell.number("mix_rank") or 32, cell.number("decay_rank") or 64
    ranks = (*(((mix, c.hidden),) * 5), (decay, c.hidden))
    return LinearAttention(
        heads, width, width, cell.number("chunk") or 64, ranks=ranks, small=10 * c.hidden, shifts=2 * c.hidden
    )


def _rwkv7(c: Config, cell: Cell) -> LinearAttention:
    """RWKV-7: decay, in-context rate, residual of the value and gate by low rank, the generalised delta rule.

    Six mixing vectors, biases of three of the low ranks, three vectors of the keys, a group norm with bias.
    """
    heads, width = _heads(c, cell)
    ranks = tuple((cell.size(f"{name}_rank"), c.hidden) for name in ("decay", "rate", "value", "gate"))
    return LinearAttention(
        heads, width, width, cell.number("chunk") or 64, gate=False, ranks=ranks, delta=True,
        small=14 * c.hidden, shifts=2 * c.hidden,
    )  # fmt: skip
