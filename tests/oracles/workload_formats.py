"""Write the golden codes of number formats with the libraries that define them.

    pip install torch torchao==0.18.0 ml_dtypes==0.6.0
    python tests/oracles/workload_formats.py

Into tests/workload: ``golden_microscaling.csv`` (torchao: MX blocks with floor scales, NVFP4 with the scale
of the tensor) and ``golden_small_floats.csv`` (ml_dtypes: codes of values, of midpoints between codes, of
drawn numbers). Numbers are hexadecimal floats, so that nothing is lost; codes have the sign in their highest
bit.
"""

from __future__ import annotations

from pathlib import Path

import ml_dtypes
import numpy as np
import torch
from torchao.prototype.mx_formats.constants import DTYPE_FP6_E2M3, DTYPE_FP6_E3M2
from torchao.prototype.mx_formats.mx_tensor import to_mx
from torchao.prototype.mx_formats.nvfp4_tensor import nvfp4_quantize, per_tensor_amax_to_scale

FOLDER = Path(__file__).parent.parent / "workload"
TIES = (6, 5, -5, 3.5, -2.5, 1.75, 1.25, 0.75, 0.25, -0.25, 7.9, -7, 448, -0.0, 1, -1.5)


def blocks(rng: np.random.Generator) -> np.ndarray:
    """Plain, wide, tiny, zero, ties with saturation, huge."""
    x = rng.normal(size=(6, 32)).astype(np.float32)
    x[1] *= np.exp(3 * rng.normal(size=32)).astype(np.float32)
    x[2] *= np.float32(1e-20)
    x[2, 3] = 0
    x[3] = 0
    x[4] = np.resize(np.array(TIES, np.float32), 32)
    x[5] *= np.float32(1e20)
    return x


def nibbles(packed: torch.Tensor) -> np.ndarray:
    """Codes of 4 bits, two a byte, the first in the lower half."""
    found = packed.view(torch.uint8).numpy()
    return np.stack([found & 15, found >> 4], -1).reshape(*found.shape[:-1], -1)


def microscaling(rng: np.random.Generator) -> list[str]:
    rows = ["format,values,tensor_scale,scales,codes"]

    def add(name: str, values: np.ndarray, tensor: float, scales: np.ndarray, codes: np.ndarray) -> None:
        written = " ".join(float(v).hex() for v in values)
        both = (" ".join(str(int(c)) for c in part.reshape(-1)) for part in (scales, codes))
        rows.append(",".join((name, written, tensor.hex(), *both)))

    x = blocks(rng)
    for name, kind in (
        ("mxfp8", torch.float8_e4m3fn),
        ("mxfp6_e3m2", DTYPE_FP6_E3M2),
        ("mxfp6_e2m3", DTYPE_FP6_E2M3),
        ("mxfp4", torch.float4_e2m1fn_x2),
    ):
        scales, codes = to_mx(torch.tensor(x), kind, 32)
        found = nibbles(codes) if name == "mxfp4" else codes.view(torch.uint8).numpy()
        for values, scale, code in zip(x, scales.view(torch.uint8).numpy(), found, strict=True):
            add(name, values, 1.0, scale, code)
    for values in blocks(rng)[[0, 1, 4]]:
        one = torch.tensor(values[None])
        tensor = per_tensor_amax_to_scale(one.abs().max())
        scales, codes = nvfp4_quantize(one, 16, tensor)
        add("nvfp4", values, float(tensor), scales.view(torch.uint8).numpy(), nibbles(codes))
    return rows


def small_floats(rng: np.random.Generator) -> list[str]:
    rows = ["element,value,code"]
    for name, kind, bits, top in (
        ("e4m3", ml_dtypes.float8_e4m3fn, 8, 448.0),
        ("e5m2", ml_dtypes.float8_e5m2, 8, 57344.0),
        ("e3m2", ml_dtypes.float6_e3m2fn, 6, 28.0),
        ("e2m3", ml_dtypes.float6_e2m3fn, 6, 7.5),
        ("e2m1", ml_dtypes.float4_e2m1fn, 4, 6.0),
    ):
        table = np.arange(1 << bits, dtype=np.uint8).view(kind).astype(np.float32)
        table = np.unique(table[np.isfinite(table) & (table >= 0)])
        middles = (table[1:] + table[:-1]) / 2
        some = (
            rng.choice(table, min(12, len(table)), replace=False),
            -rng.choice(middles, min(12, len(middles)), replace=False),
            np.clip(rng.normal(size=16) * top / 3, -top, top),
        )
        for value in np.concatenate(some).astype(np.float32):
            code = int(np.array([value]).astype(kind).view(np.uint8)[0])
            rows.append(f"{name},{float(value).hex()},{code}")
    return rows


def main() -> None:
    rng = np.random.default_rng(20260201)
    for name, make in (("microscaling", microscaling), ("small_floats", small_floats)):
        (FOLDER / f"golden_{name}.csv").write_text("\n".join(make(rng)) + "\n")


if __name__ == "__main__":
    main()
