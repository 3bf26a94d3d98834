"""A feeder as a utility has it, an OpenDSS file, as the grid of the loop (extra ``feeders``)."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from gigawatt.core.errors import GigawattError, InfeasibleError, InputError
from gigawatt.power.loop.grid import POINTS, GridCurve, reactive

__all__ = ["opendss_grid"]

_SITE = "gigawatt_site"


def opendss_grid(file: str | Path, bus: str, *, most: float, power_factor: float = 1.0) -> GridCurve:
    """All nodes of the circuit in a file, with the load, balanced, at one of its buses with three phases.

    Regulators and switched capacitors stand as the file's own solution leaves them.

    Parameters
    ----------
    file : path
        Master file of OpenDSS.
    bus : str
        As the file calls it.
    most : float
        W that the load may draw.
    power_factor : float
        Of the load, lagging.

    Raises
    ------
    GigawattError
        OpenDSS is not installed.
    InputError, InfeasibleError
        A file that OpenDSS does not read, no such bus, more than the feeder can carry.

    References
    ----------
    OpenDSS, EPRI, through dss_python of DSS-Extensions (BSD).
    """
    if find_spec("dss") is None:
        raise GigawattError("OpenDSS is not installed", allowed="pip install 'gigawatt[feeders]'")
    path = Path(file)
    if not path.is_file():
        raise InputError("no such file", key="feeder", given=str(path), allowed="a master file of OpenDSS")
    dss: Any = import_module("dss")
    engine = dss.DSS.NewContext()
    ratio = reactive(power_factor)
    try:
        engine.Text.Command = f'redirect "{path.resolve()}"'
        engine.ActiveCircuit.Solution.Solve()
        circuit = engine.ActiveCircuit
        names = {str(name).lower() for name in circuit.AllBusNames}
        if bus.lower() not in names:
            raise InputError("no such bus in the circuit", key="feeder", given=bus, allowed=sorted(names))
        circuit.SetActiveBus(bus)
        rated = float(circuit.ActiveBus.kVBase) * 3.0**0.5
        phases = {int(node) for node in circuit.ActiveBus.Nodes}
        if not (rated > 0.0 and {1, 2, 3} <= phases):
            raise InputError(
                "the bus has no rated voltage or not three phases", key="feeder", given=bus,
                allowed="a bus of three phases in a circuit with voltage bases",
            )  # fmt: skip
        engine.Text.Command = "set controlmode=off"
        engine.Text.Command = (
            f"new load.{_SITE} bus1={bus}.1.2.3 phases=3 conn=wye model=1 kv={rated:.9g} kw=0 kvar=0 "
            "vminpu=0.5 vmaxpu=1.5"
        )
        rows: list[Any] = []
        knots = np.linspace(0.0, most, POINTS)
        for power in knots:
            kilo = float(power) / 1e3
            engine.Text.Command = f"edit load.{_SITE} kw={kilo:.9g} kvar={kilo * ratio:.9g}"
            circuit.Solution.Solve()
            if not circuit.Solution.Converged:
                raise InfeasibleError(
                    "the feeder cannot carry this load: OpenDSS finds no voltage", key="feeder",
                    given=f"{power / 1e6:.4g} MW", allowed="less, or a bus nearer the source",
                )  # fmt: skip
            rows.append(np.array(circuit.AllBusVmagPu, dtype=np.float64))
        nodes = tuple(str(name).lower() for name in circuit.AllNodeNames)
    except dss.DSSException as error:
        words = " ".join(str(error).split())
        raise InputError("OpenDSS refuses this circuit", file=path, given=words) from None
    volts = np.array(rows)
    told = np.all(volts > 1e-3, axis=0)  # a node without a voltage base has no share of it
    return GridCurve(knots, volts[:, told], tuple(np.array(nodes)[told].tolist()), scales=False)
