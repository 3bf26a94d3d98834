"""Reading what a row says of its network: rate and kind of the scale-out fabric, per accelerator."""

from __future__ import annotations

import re

from gigawatt.catalog import table

__all__ = ["scale_out_bandwidth", "scale_out_link"]

_BITS_PER_BYTE, _GIGA = 8.0, 1e9
_RATE = r"(\d+(?:\.\d+)?)\s*G(?:b/s|bps|b/sec)?(?:/s)?\b"
_SEVERAL = re.compile(r"(?<![\w.])(\d{1,2})\s*x(?=[\s\d])[^,;:+]*?" + _RATE, re.I)
_SEVERAL_AFTER = re.compile(_RATE + r"\s*x\s*(\d+)", re.I)
_PER_NODE = re.compile(_RATE + r"\s*(?:/|per )\s*node", re.I)
_PER_CHIP = re.compile(_RATE + r"\s*(?:/|per )\s*(?:gpu|chip|accelerator)", re.I)
_SKIPPED = re.compile(r"(?:storage|management)[^:]*:\s*[^:]*?(?=(?:compute)\s*:|$)", re.I)


def scale_out_bandwidth(text: str, *, per_node: float) -> float | None:
    """Bytes per second and accelerator, one way, that a description of a network says.

    Parameters
    ----------
    text : str
        Such as ``"NVLink3 + 8x200G HDR IB"``, ``"1600 Gb/s/node RoCE"``, ``"RoCE 400G/GPU"``.
        Of several groups of cards the fastest counts; storage and management are left out.
    per_node : float
        Accelerators that share a node's network cards.

    Returns
    -------
    float or None
        ``None`` where the text names no rate.
    """
    text = _SKIPPED.sub("", text)
    chip = _PER_CHIP.search(text)
    if chip:
        return float(chip[1]) * _GIGA / _BITS_PER_BYTE
    node = _PER_NODE.search(text)
    several, after = _SEVERAL.findall(text), _SEVERAL_AFTER.search(text)
    if several:
        bits = max(float(cards) * float(rate) for cards, rate in several)
    elif after:
        bits = float(after[1]) * float(after[2])
    elif node:
        bits = float(node[1])
    else:
        return None
    return bits * _GIGA / _BITS_PER_BYTE / per_node


_KINDS = (
    ("omnipath-", re.compile(r"omni-?\s?path|\bOPA\b", re.I)),
    ("roce-", re.compile(r"\bro\s?ce", re.I)),
    ("efa-", re.compile(r"\bEFA\b|elastic fabric", re.I)),
    ("slingshot-", re.compile(r"slingshot", re.I)),
)
"""How the catalog's links of a kind begin, and the words for it."""


def scale_out_link(text: str, *, bandwidth: float) -> str | None:
    """The catalog's link of the kind that a description of a network names, the nearest to ``bandwidth``
    [B/s of an accelerator]; ``None`` where it names none, or InfiniBand, which machines usually have."""
    text = _SKIPPED.sub("", text)
    for prefix, words in _KINDS:
        if words.search(text):
            rows = [row for row in table("links").values() if row.id.startswith(prefix)]
            return min(rows, key=lambda row: abs(row.value("bandwidth") - bandwidth)).id
    return None
