"""The free numbers of the step model: each a :class:`Knob` of some stacks or some chips, prior and bounds.

A knob is drawn to its prior, so that one of which few rows speak stays there. Priors are physics or somebody
else's figure, never a row; ``also`` lends a number to stacks of the same make that no row measured.
"""

# ruff: noqa: E501
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from gigawatt.performance.stacks import NARROW, Stack, attention_share, load_stack, sustained
from gigawatt.validation.training.cases import Case

SHRINK = 0.15
"""What one `scale` away from the prior costs, in rows' logarithms: about as far as one source lies from
another, so that one short source cannot carry a knob far (the mode of Laplace errors and a Laplace prior)."""
WIDE = 3.0
"""A chip's sustained share is known so many times less well beforehand than a stack's rate."""


@dataclass(frozen=True, slots=True)
class Knob:
    """A free number: of which stacks (or chips), its prior and bounds, and what counts as one step away.

    ``also`` are stacks that take the number but to whose rows it is not fitted. A knob of an attention
    kernel (``attention``) belongs to the chips in ``chips`` and to the stacks in ``where`` that run it.
    """

    name: str
    where: tuple[str, ...]
    quantity: str
    prior: float
    low: float
    high: float
    scale: float
    unit: str
    why: str
    also: tuple[str, ...] = ()
    chips: tuple[str, ...] = ()

    def prior_cost(self, at: float) -> float:
        """What the distance from the prior costs beside the rows."""
        return SHRINK * abs(at - self.prior) / (self.scale * (WIDE if self.on_chip else 1.0))

    @property
    def on_chip(self) -> bool:
        """Whether it belongs to chips."""
        return self.quantity.startswith("share")

    def takes(self, case: Case) -> bool:
        """Whether the prediction of ``case`` uses it."""
        chip, stack = case.cluster.chip.id, case.habits.stack
        if self.on_chip:
            narrow = self.quantity.endswith("narrow")
            return chip in self.where and (not narrow or case.number_format in NARROW)
        if self.chips and chip not in self.chips:
            return False
        return stack in (*self.where, *self.also)

    def touches(self, case: Case) -> bool:
        """Whether it is fitted to ``case``."""
        return self.takes(case) and case.habits.stack not in self.also


MEGATRON_OLD = ("megatron-2021", "megatron-2022", "deepspeed-2022", "deepspeed-2023")
MEGATRON_NEW = ("megatron-core-2024", "nemo-2025", "nemo-2026", "nemo-mlperf", "llama3-2024", "deepseek-v3")
TUNED = ("nemo-mlperf-2025",)
FUSED = (*MEGATRON_NEW, "fsdp-2023", "fsdp-2024", "maxtext-2024", "neuron-2023", "generic-2024")  # fmt: skip
EAGER = ("megatron-core-2024", "nemo-2025", "llama3-2024", "deepseek-v3", "fsdp-2023", "deepspeed-2024",
         "generic-2024")  # fmt: skip
"""Stacks that issue operations from Python as the unfused ones do."""
TPU_OLD = ("TPU-v4", "TPU-v5e", "TPU-v5p")
TPU_NEW = ("TPU-v6e", "TPU-v7")
TPU = (*TPU_OLD, *TPU_NEW)
AMPERE = ("A100-SXM4-80GB", "A100-SXM4-40GB", "A800-SXM4-80GB")
HOPPER = ("H100-SXM5-80GB", "H200-SXM-141GB", "H800-SXM5-80GB", "H100-PCIe-80GB", "H100-SXM5-96GB")
BLACKWELL = ("B200-SXM-180GB", "GB200", "B100-SXM-192GB", "B300-SXM-270GB", "GB300")
AMD = ("MI250X", "MI300X", "MI325X", "MI350X", "MI355X")
BESIDE = (*AMPERE, "V100-SXM2-32GB", "Gaudi2", "Gaudi3", "Trainium1", "Trainium1-NeuronCore")
"""Chips whose rate in a step is what the others are beside: their share stays 1."""


def _arithmetic(stack: str) -> Knob:
    also = TUNED if stack == "nemo-mlperf" else ()
    why = "rate of matrix multiplications in a step beside the best benchmarked"
    return Knob(f"{stack}.arithmetic", (stack,), "arithmetic", 0.92, 0.6, 1.1, 0.1, "", why, also)


_TRAFFIC = "bytes of element-wise operations over the least"
KNOBS = (
    # that of deepspeed-2022 stood for layers recomputed whole: it keeps the starting value
    *(_arithmetic(stack) for stack in (*MEGATRON_OLD, *FUSED) if stack != "deepspeed-2022"),
    Knob("flash-1.a100", ("fsdp-2023",), "attention", 0.55, 0.3, 1.0, 0.15, "",
         "FlashAttention beside the maker's kernel; prior: half of version 2", (), AMPERE),
    Knob("flash-1.h100", ("fsdp-2023",), "attention", 0.3, 0.15, 1.0, 0.15, "",
         "FlashAttention beside the maker's kernel; prior: half of version 2, which reaches 0.58", (), HOPPER),
    Knob("unfused.score_passes", MEGATRON_OLD, "score_passes", 6.0, 4.0, 10.0, 2.0, "",
         "times that attention scores go through memory; one number for all unfused stacks"),
    Knob("unfused.unaligned", MEGATRON_OLD, "unaligned", 4.0, 1.0, 32.0, 4.0, "",
         "times that attention takes longer where heads are not a multiple of 16 bytes"),
    Knob("unaligned_product", MEGATRON_OLD, "unaligned_product", 1.15, 1.0, 1.6, 0.15, "",
         "times that multiplications take longer whose widths are no multiples of 128 bytes", FUSED),
    Knob("eager.host", MEGATRON_OLD, "host", 50e-6, 5e-6, 150e-6, 16e-6, "us",
         "issuing an operation from Python: about 5 kernels at 10 µs each; one number for all eager stacks", EAGER),
    Knob("megatron-old.traffic", MEGATRON_OLD, "traffic", 1.5, 1.0, 3.0, 0.5, "", _TRAFFIC,
         ("deepspeed-2024",)),
    Knob("megatron-new.traffic", MEGATRON_NEW, "traffic", 1.3, 1.0, 3.0, 0.5, "", _TRAFFIC),
    Knob("fsdp.traffic", ("fsdp-2023",), "traffic", 1.5, 1.0, 4.0, 0.5, "", _TRAFFIC),
    Knob("compiled.traffic", ("maxtext-2024", "neuron-2023", "fsdp-2024"), "traffic", 1.2, 1.0, 3.0, 0.5, "",
         _TRAFFIC, ("jax-gpu-2024",)),
    Knob("fsdp-2024.cast", ("fsdp-2024",), "cast", 1.5, 1.0, 6.0, 1.5, "",
         "bytes of conversions to 8 bits over the least; prior: scales found in a pass of their own"),
    Knob("nemo.overlap_expert", ("nemo-2025", "nemo-2026"), "overlap_expert", 0.5, 0.0, 1.0, 0.25, "",
         "share of computation that hides the exchange with experts"),
    Knob("nemo-2025.routing_wait", ("megatron-core-2024", "nemo-2025"), "routing_wait", 0.5e-3, 0.0, 4e-3,
         0.5e-3, "us", "a layer with experts waits for the host in each phase; prior: some 50 kernels issued anew"),
    Knob("nemo-2026.routing_wait", ("nemo-2026",), "routing_wait", 0.05e-3, 0.0, 4e-3, 0.2e-3, "us",
         "the same with whole layers captured as graphs"),
    Knob("hopper.sustained", HOPPER, "share", 0.85, 0.6, 1.0, 0.1, "", "rate kept in a step, 16 bit"),
    Knob("hopper.sustained_narrow", HOPPER, "share_narrow", 0.9, 0.6, 1.0, 0.1, "", "the same, 8 bit and less"),
    Knob("blackwell.sustained", BLACKWELL, "share", 0.75, 0.6, 1.0, 0.1, "",
         "rate kept in a step, 16 bit; prior: about what Hopper keeps"),
    Knob("blackwell.sustained_narrow", BLACKWELL, "share_narrow", 0.9, 0.6, 1.0, 0.1, "", "the same, 8 bit and less"),
    Knob("amd.sustained", AMD, "share", 0.85, 0.5, 1.0, 0.1, "", "rate kept in a step, 16 bit; prior: as Hopper"),
    Knob("amd.sustained_narrow", AMD, "share_narrow", 0.9, 0.5, 1.0, 0.1, "", "the same, 8 bit and less"),
    Knob("tpu.sustained", TPU_OLD, "share", 1.2, 0.7, 1.35, 0.1, "",
         "rate in a step beside the middle of the measured GPUs, 16 bit; prior: systolic arrays reach about 0.95 of the peak, GPUs 0.76"),
    Knob("tpu-new.sustained", TPU_NEW, "share", 0.95, 0.6, 1.35, 0.1, "", "the same, more FLOP/s a watt and a byte"),
    Knob("tpu.sustained_narrow", TPU, "share_narrow", 0.9, 0.6, 1.0, 0.1, "", "rate kept in a step, 8 bit"),
)  # fmt: skip

Values = dict[str, float]


def stacks_of(values: Values, cases: Iterable[Case]) -> dict[tuple[str, str, str], Stack]:
    """The stack of every (stack, chip, number format) of the cases with the knobs at ``values``."""
    found: dict[tuple[str, str, str], Stack] = {}
    for case in cases:
        name, chip, form = (case.habits.stack, case.cluster.chip, case.number_format)
        key = (name, chip.id, form)
        if key in found:
            continue
        numbers: dict[str, float] = {}
        shipped = load_stack(name)
        beside = 1.0 if chip.id in (*BESIDE, *HOPPER, *BLACKWELL, *AMD, *TPU) else None
        kept = {q: beside or sustained(chip, f) for q, f in (("share", "bf16"), ("share_narrow", "fp8"))}
        for knob in KNOBS:
            if not knob.takes(case):
                continue
            if knob.on_chip:
                kept[knob.quantity] = values[knob.name]
            elif knob.quantity == "attention":
                numbers["attention"] = values[knob.name] / attention_share(shipped.attention_kernel, chip)
            else:
                numbers[knob.quantity] = values[knob.name]
        found[key] = replace(shipped, kept_shares=(kept["share"], kept["share_narrow"]), **numbers)
    return found
