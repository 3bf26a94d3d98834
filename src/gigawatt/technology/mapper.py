"""Which operation of a transformer's step runs on a substrate, which stays with its digital host, and why.

A substrate that keeps weights in its cells (analog tiles, meshes with slow phase shifters) multiplies by what
was written before the run: projections, feed-forward layers, experts. A photonic crossbar takes the same, and
products of two activations where ``attention`` says so: both of its operands are sent in. Products of two
activations (attention's scores and values) have no stationary operand, softmax, norms and gates are no
products at all, a router must rank its scores exactly, and the head is left in digital by the runs that
measured quality. What is not mapped pays a digital machine's price.
"""

from __future__ import annotations

from dataclasses import dataclass

from numpy.typing import ArrayLike

from gigawatt.technology.composition import HYBRID, group_of, parts
from gigawatt.technology.operations import operation_kind
from gigawatt.technology.registry import registered
from gigawatt.technology.substrate import Substrate
from gigawatt.technology.work import Work, decode_work
from gigawatt.workload.architecture import Architecture
from gigawatt.workload.operation import ZERO
from gigawatt.workload.operations import Array, Operation

__all__ = [
    "Placed",
    "place",
    "places",
    "reason_of",
    "runs_on",
    "share_mapped",
]


@dataclass(frozen=True)
class Placed:
    """A :class:`Work` with its place: the substrate that takes it, ``None`` for the digital host, and why."""

    work: Work
    by: Substrate | None
    reason: str

    @property
    def on_substrate(self) -> bool:
        """Whether the substrate takes it."""
        return self.by is not None


def reason_of(
    substrate: Substrate, operation: Operation, *, kind: str = "", phase: str = "inference"
) -> tuple[bool, str]:
    """(whether the operation runs on the substrate, why): its technology's registration decides.

    ``kind`` names the kind of operation where it is another than that of its name, ``phase`` what it is of; a
    backward pass is always training's.

    Raises
    ------
    MissingDataError
        The technology is not registered.
    """
    technology = registered(substrate.technology)
    form, formats = operation.number_format, technology.formats
    on, reason = technology.support(substrate, kind or operation_kind(operation))
    training = phase == "training" or operation.phase == "backward"
    if on and training and "training" not in technology.phases:
        return False, "training changes every weight at every step: nothing stays written"
    if on and not training and "inference" not in technology.phases:
        return False, f"{technology.name} is registered for {', '.join(technology.phases)} alone"
    if on and formats and operation.kind != "memory" and form not in formats:
        return False, f"{technology.name} multiplies {', '.join(formats)}: this operation is in {form}"
    return on, reason


def runs_on(
    substrate: Substrate, operation: Operation, *, phase: str = "inference"
) -> tuple[Substrate | None, str]:
    """(the substrate that takes an operation, why); ``None``: the digital host does.

    Of a hybrid it is the part that has the operation's group, if that part can do it in this ``phase``.

    Raises
    ------
    InputError
        A hybrid of unknown parts.
    """
    if substrate.technology != HYBRID:
        on, reason = reason_of(substrate, operation, phase=phase)
        return (substrate if on else None), reason
    group = group_of(operation)
    if group is None:
        return None, "no product by weights or keys: the host's"
    part = parts(substrate).get(group)
    if part is None:
        return None, f"{group.replace('_', ' ')} stay with the host in this machine"
    # a router named as part of the machine ranks what its part gives
    gate = group == "gate" and operation.kind == "gemm"
    on, reason = reason_of(part, operation, kind="projections" if gate else "", phase=phase)
    return (part if on else None), f"{part.id}: {reason}"


def place(substrate: Substrate, work: Work) -> Placed:
    """One operation with its place and the reason."""
    return Placed(work, *runs_on(substrate, work.operation))


def places(
    substrate: Substrate,
    architecture: Architecture,
    *,
    batch: ArrayLike = 1.0,
    context: ArrayLike = 512.0,
    tensor: float = 1.0,
) -> tuple[Placed, ...]:
    """Every operation of a decode step with its place; keywords as of :func:`decode_work`."""
    step = decode_work(architecture, batch=batch, context=context, tensor=tensor)
    return tuple(place(substrate, work) for work in step)


def share_mapped(placed: tuple[Placed, ...]) -> Array:
    """Share of a step's FLOPs that run on the substrate, 0 to 1."""
    total: Array = sum((one.work.operation.flops * one.work.count for one in placed), ZERO)
    mine: Array = sum((p.work.operation.flops * p.work.count for p in placed if p.on_substrate), ZERO)
    return mine / total
