"""Fit voltage curves of chips to measured frequency and cap sweeps, and judge them on other workloads.

    python benchmarks/fit_power.py SHARED/data/power [--zeus CHECKOUT]

``CHECKOUT`` is a clone of github.com/ml-energy/zeus (Apache-2.0); its ``master`` has cap sweeps of V100 and
A40 (Zeus, NSDI'23), its branch ``kronos`` frequency sweeps of A100 SXM and A40 and cap sweeps of A100 PCIe
(Perseus, SOSP'24). Prints the numbers of the catalog's ``clocks`` and the errors on what was not fitted.
"""

from __future__ import annotations

import argparse
import io
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import least_squares, nnls

from gigawatt.machine.clocks import ClockModel, relative_voltage, settle

SOSP, NSDI = "38cb3f90c30d9041d4b141cfe5c922dba55baa45", "master"
STAGES = "sosp24_data/emulation/stage_profile/{}+{}_bf16.csv"
CAPS = "examples/research_reproducibility/zeus_nsdi23/trace/summary_power_{}.csv"
#: Highest clock [MHz] at which the sweep was not held down by the chip's own limit; clock at its limit.
UNTHROTTLED = {"a100_sxm": (1320.0, 1275.0), "a40": (1400.0, 1440.0)}
#: Waiting with clocks up [W]: "P2P blocking power" of the artefact.
BLOCKED = {"a100_sxm": 83.64, "a40": 70.38}


def show(checkout: Path, revision: str, file: str) -> pd.DataFrame:
    """A table of the checkout at a revision."""
    command = ["git", "-C", str(checkout), "show", f"{revision}:{file}"]
    return pd.read_csv(
        io.StringIO(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    )


def stages(frame: pd.DataFrame, highest: float) -> list[pd.DataFrame]:
    """Unlike (stage, instruction) groups of a profile, without repeats of a stage."""
    groups = [group for _, group in frame[frame.frequency <= highest].groupby(["stage", "instruction"])]
    return list({tuple(group.time.round(9)): group for group in groups}.values())


def fit_stages(groups: list[pd.DataFrame], reference: float, blocked: float) -> tuple[dict, float]:
    """Knee, slope and steady watts of least error in energy; each group has its own joules."""

    def residuals(p: np.ndarray) -> np.ndarray:
        found = []
        for group in groups:
            t, joules = group.time.to_numpy(), group.energy.to_numpy()
            v = relative_voltage(clock=group.frequency / reference, knee=p[0] / reference, slope=p[1])
            core, _ = nnls((v * v / joules)[:, None], np.maximum((joules - p[2] * t) / joules, 0.0))
            found.append((core[0] * v * v + p[2] * t) / joules - 1.0)
        return np.concatenate(found)

    starts = [
        least_squares(
            residuals,
            [k * reference, 0.7, 40.0],
            loss="soft_l1",
            f_scale=0.02,
            bounds=([0.4 * reference, 0.0, 0.0], [reference, 2.0, blocked]),
            x_scale=[1e3, 1.0, 1e2],
        )
        for k in (0.65, 0.75, 0.85)
    ]
    best = min(starts, key=lambda s: s.cost)
    knee, slope, steady = best.x
    return {"knee": knee, "slope": slope, "steady": steady}, float(np.median(np.abs(residuals(best.x))))


def predicted(
    model: ClockModel, work: tuple[float, float], power: float, caps: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(time, energy) over those without a cap; ``work``: shares (busy, arithmetic of busy)."""
    busy, share = work
    dynamic = power - model.idle  # J in a step of one second
    done = settle(
        chip_power=model,
        dynamic_energy=dynamic,
        arithmetic_time=busy * share,
        cap=caps,
        memory_time=busy * (1.0 - share),
        other_time=1.0 - busy,
    )
    free = settle(
        chip_power=model,
        dynamic_energy=dynamic,
        arithmetic_time=busy * share,
        cap=model.power_limit,
        memory_time=busy * (1.0 - share),
        other_time=1.0 - busy,
    )
    return done.step_time / free.step_time, done.energy / free.energy


def relative(frame: pd.DataFrame) -> pd.DataFrame:
    """A cap sweep (columns cap, time, power), times and energies over those at the highest cap."""
    frame = frame.sort_values("cap", ascending=False).assign(energy=lambda x: x.time * x.power)
    return frame.assign(
        time_ratio=frame.time / frame.time.iloc[0], energy_ratio=frame.energy / frame.energy.iloc[0]
    )


def with_shape(base: ClockModel, shape: np.ndarray) -> ClockModel:
    """The model with another knee, slope and idle power."""
    knee, slope, idle = (float(x) for x in shape)
    return ClockModel(**{**vars(base), "knee": knee, "slope": slope, "idle": idle})


def off(model: ClockModel, sweep: pd.DataFrame, work: tuple[float, float]) -> np.ndarray:
    """Log errors of time and energy of a sweep below its highest cap."""
    t, e = predicted(model, work, float(sweep.power.iloc[0]), sweep.cap.to_numpy(float))
    rows = slice(1, None)
    return np.concatenate([np.log(t / sweep.time_ratio)[rows], np.log(e / sweep.energy_ratio)[rows]])


def fit_caps(base: ClockModel, sweeps: list[pd.DataFrame]) -> np.ndarray:
    """(knee, slope, idle W, then busy and arithmetic shares of every sweep) of least error."""
    n, limit = len(sweeps), base.power_limit

    def residuals(p: np.ndarray) -> np.ndarray:
        model = with_shape(base, p[:3])
        return np.concatenate([off(model, s, (p[3 + 2 * i], p[4 + 2 * i])) for i, s in enumerate(sweeps)])

    bounds = ([0.4, 0.2, 0.05 * limit] + [0.4, 0.4] * n, [1.0, 2.0, 0.45 * limit] + [1.0, 1.0] * n)
    starts = [
        least_squares(
            residuals,
            [knee, 0.7, 0.2 * limit] + [0.9, 0.9] * n,
            loss="soft_l1",
            f_scale=0.03,
            bounds=bounds,
            diff_step=1e-3,
            x_scale=[1.0, 1.0, 1e2] + [1.0, 1.0] * n,
        )
        for knee in (0.7, 0.85, 0.95)
    ]
    return min(starts, key=lambda s: s.cost).x


def fit_work(model: ClockModel, sweep: pd.DataFrame) -> tuple[float, float]:
    """Busy and arithmetic shares of one workload on every second cap of its sweep."""
    some = sweep.iloc[[0, *range(2, len(sweep), 2)]]
    found = least_squares(
        lambda p: off(model, some, (p[0], p[1])), [0.9, 0.8], bounds=([0.2, 0.0], [1.0, 1.0]), diff_step=1e-3
    )
    return float(found.x[0]), float(found.x[1])


def told(name: str, errors: list[np.ndarray]) -> None:
    time = np.concatenate([e[: len(e) // 2] for e in errors])
    energy = np.concatenate([e[len(e) // 2 :] for e in errors])
    for what, e in (("time", time), ("energy", energy)):
        a = np.abs(np.expm1(e))
        print(
            f"  {name}: {what:6} n {len(e):3}  median {np.median(a):6.1%}  p90 {np.quantile(a, 0.9):6.1%}"
            f"  bias {np.expm1(e.mean()):+6.1%}"
        )


def zeus_sweeps(frame: pd.DataFrame, least: float) -> dict[str, pd.DataFrame]:
    """The largest batch of every network of a Zeus trace, at caps of at least ``least`` W."""
    found = {}
    for (_, network, data), rows in frame.assign(d=frame.dataset).groupby(["dataset", "network", "d"]):
        one = rows[(rows.batch_size == rows.batch_size.max()) & (rows.power_limit >= least)]
        one = one[one.optimizer == one.optimizer.iloc[0]]
        sweep = one.rename(columns={"power_limit": "cap", "time_per_epoch": "time", "average_power": "power"})
        if len(sweep) >= 4 and network != "ncf":  # ncf never comes near a cap
            found[f"{network}/{data}"] = relative(sweep)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("power", type=Path)
    parser.add_argument("--zeus", type=Path)
    given = parser.parse_args()
    if given.zeus:
        for device in UNTHROTTLED:
            highest, reference = UNTHROTTLED[device]
            groups = {
                m: stages(show(given.zeus, SOSP, STAGES.format(m, device)), highest)
                for m in ("gpt3-175b", "bloom")
            }
            p, error = fit_stages(groups["gpt3-175b"], reference, BLOCKED[device])
            print(
                device, {k: round(float(v), 3) for k, v in p.items()}, f"median error of energy {error:.2%}"
            )
            other, error = fit_stages(groups["bloom"], reference, BLOCKED[device])
            print(
                "  the other model alone", {k: round(float(v), 3) for k, v in other.items()}, f"{error:.2%}"
            )
            held = []
            for group in groups["bloom"]:  # judged: one point of every group gives its joules
                v = relative_voltage(
                    clock=group.frequency / reference, knee=p["knee"] / reference, slope=p["slope"]
                )
                t, joules = group.time.to_numpy(), group.energy.to_numpy()
                core = (joules - p["steady"] * t)[0] / v[0] ** 2
                held.append(np.log((core * v * v + p["steady"] * t) / joules)[1:])
            e = np.abs(np.expm1(np.concatenate(held)))
            median, high = np.quantile(e, [0.5, 0.9])
            print(f"  judged on bloom: energy n {len(e)} median {median:.1%} p90 {high:.1%}")
        frame = show(given.zeus, SOSP, "sosp24_data/zeus/csv/A100/zeus_global.csv")
        frame = frame.assign(cap=frame.power_limit_0, power=frame.energy / frame.time / 4)
        sweeps = {name: relative(rows) for name, rows in frame.groupby("model_name")}
        judge_caps("A100 PCIe", 300.0, sweeps, ["bert-huge-uncased", "wide-resnet101_8"])
        sweeps = zeus_sweeps(show(given.zeus, NSDI, CAPS.format("v100")), 100.0)
        judge_caps("V100", 250.0, sweeps, [n for n in sweeps if "bert" not in n])
    sweeps = zeus_sweeps(pd.read_csv(given.power / "zeus_power_a40.csv"), 150.0)
    judge_caps("A40", 300.0, sweeps, [n for n in sweeps if "bert" not in n])


def judge_caps(name: str, limit: float, sweeps: dict[str, pd.DataFrame], fitted: list[str]) -> None:
    """Fit the shape on some workloads; the others' own two shares on every second cap; judge the rest."""
    base = ClockModel(name, float("nan"), 0.15, 1.1, 0.8, 0.7, 0.2 * limit, 0.0, limit)
    p = fit_caps(base, [sweeps[n] for n in fitted])
    model = with_shape(base, p[:3])
    print(f"{name}: knee/reference {p[0]:.3f}, slope {p[1]:.3f}, idle {p[2]:.0f} W from {', '.join(fitted)}")
    told("fitted", [off(model, sweeps[n], (p[3 + 2 * i], p[4 + 2 * i])) for i, n in enumerate(fitted)])
    held, blind = [], []
    for n in sweeps:
        if n not in fitted:
            e = off(model, sweeps[n], fit_work(model, sweeps[n]))
            half = len(e) // 2
            held.append(np.concatenate([e[:half][0::2], e[half:][0::2]]))
            blind.append(off(model, sweeps[n], (0.9, 0.9)))
    told("judged, other caps", held)
    told("judged, busy and arithmetic 0.9", blind)


if __name__ == "__main__":
    main()
