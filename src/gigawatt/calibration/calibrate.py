"""From a device to a row of the user catalog: look, plan, measure, fit, write, judge."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from gigawatt.calibration.measure import DTYPES, Backend, Measured, first_look, measure, write_rows
from gigawatt.calibration.plan import ATTENTION, Job, Rates, collective_jobs, is_judged, make_plan
from gigawatt.calibration.report import Score, compare, judge
from gigawatt.calibration.user import (
    Number,
    check_name,
    chip_numbers,
    chip_texts,
    default_name,
    same_device,
    source_id,
    write_user_rows,
)
from gigawatt.catalog import loader
from gigawatt.catalog.loader import Entity, entity, use_user_catalog
from gigawatt.core.checks import check_word
from gigawatt.core.errors import InfeasibleError, InputError, nearest
from gigawatt.core.evidence import Grade

__all__ = ["Calibration", "Session", "make_backend"]

Report = Callable[[str, float], None]
_COLLECTIVES = 0.2  # share of the budget for collectives, where there are several devices
_MOST = 4000  # multiplications back to back
_SUSTAINED = 0.05  # share of the budget for multiplications back to back


def make_backend(name: str, device: str) -> Backend:
    """The backend called ``name``: torch, or numpy (the CPU alone)."""
    if name == "numpy":
        from gigawatt.calibration.numpy_backend import NumpyBackend

        if device not in ("auto", "cpu"):
            raise InputError("numpy has the CPU alone", key="--device", given=device, allowed="auto, cpu")
        return NumpyBackend()
    if name != "torch":
        raise InputError(
            "no such backend", key="--backend", given=name, allowed="torch, numpy",
            nearest=nearest(name, ("torch", "numpy")),
        )  # fmt: skip
    from gigawatt.calibration.torch_backend import TorchBackend

    return TorchBackend(device)


@dataclass(frozen=True)
class Calibration:
    """What came of it.

    ``scores`` are errors of the written row, ``ratios`` medians of measured over predicted time of the
    catalog's chip ``same``; ``sustained`` is the rate kept back to back over that of a single call.
    """

    name: str
    measured: Measured
    table: Path
    folder: Path
    files: Sequence[Path]
    scores: Sequence[Score]
    ratios: Mapping[str, float]
    same: str
    numbers: Sequence[Number] = field(repr=False)


class Session:
    """One calibration: its device, name and folder are checked before anything is measured.

    Parameters
    ----------
    backend : Backend
        What runs the shapes.
    seconds : float
        Budget, ≥ 2.
    formats : sequence of str
        Number formats asked for.
    name, like : str
        Of the new chip (empty: by the device), and of the chip that lends what cannot be measured (empty:
        the one that the device's name means).
    folder : Path
        The user catalog.
    table : Path, optional
        Where the measured rows go; ``measured/NAME.csv`` in the folder.
    processes : int
        Processes between which collectives are measured on a CPU (1: none).
    """

    def __init__(
        self,
        backend: Backend,
        *,
        seconds: float,
        formats: Sequence[str],
        name: str,
        like: str,
        folder: Path,
        table: Path | None = None,
        processes: int = 1,
    ) -> None:
        if not seconds >= 2.0:
            raise InputError("too little time", key="--seconds", given=seconds, allowed="2 or more")
        for form in formats:
            check_word("--formats", form, DTYPES, "this number format is not measured")
        self.backend, self.seconds, self.folder = backend, float(seconds), folder
        use_user_catalog(folder)
        self.name = check_name(name or default_name(backend.device))
        self.same = same_device(backend.device)
        self.like: Entity | None = entity("chips", like) if like else self.same
        self.table = table or folder / "measured" / f"{self.name}.csv"
        self.measured = Measured(backend.device)
        runs = backend.formats()
        self.formats = [form for form in formats if not runs.get(form, "not known to it")]
        for form in formats:
            if runs.get(form, "not known to it"):
                self.measured.notice(f"{form} is left out: {runs.get(form, 'not known to the backend')}")
        if not self.formats:
            raise InfeasibleError(
                f"{backend.device.name} runs none of these number formats",
                key="--formats",
                given=",".join(formats),
                allowed=[form for form in DTYPES if not runs.get(form, "-")],
            )
        self.attention = [form for form in backend.attention_formats() if form in self.formats]
        self.ranks = backend.device.count if backend.device.kind == "GPU" else max(processes, 1)

    def look(self) -> tuple[Rates, list[Job]]:
        """Rates of a first look and the plan for the budget."""
        from gigawatt.calibration.fit import fitted_first

        rates = first_look(self.backend, self.formats)
        several = self.ranks > 1
        left = self.seconds * (1.0 - _SUSTAINED - (_COLLECTIVES if several else 0.0))
        plan = make_plan(
            formats=self.formats,
            attention_formats=self.attention[:1],
            rates=rates,
            seconds=left,
            host_copies=self.backend.device.kind == "GPU",
            grouped=self.backend.grouped,
            fitted=fitted_first(self.formats),
        )
        return rates, plan

    def run(self, report: Report = lambda text, share: None) -> Calibration:
        """Measure, fit, write and judge; an interrupt leaves the measured rows, marked partial."""
        for folder in (self.folder, self.table.parent):
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise InputError(
                    "cannot write here", given=str(folder), allowed=str(error.strerror)
                ) from None
        try:
            report("a first look", 0.0)
            rates, plan = self.look()
            several = self.ranks > 1
            budget = self.seconds * (1.0 - _SUSTAINED - (_COLLECTIVES if several else 0.0))
            measure(
                self.backend, plan, seconds=budget, into=self.measured,
                report=lambda text, share: report(text, share * budget / self.seconds),
            )  # fmt: skip
            self.measured.partial = True
            kept = self._sustain(report)
            if several:
                report(f"collectives over {self.ranks}", 1.0 - _COLLECTIVES)
                self._collect(rates)
            self.measured.partial = False
        finally:
            _mark(self.measured)
            if self.measured.rows:
                write_rows(self.measured, self.table)
        report("fitting", 1.0)
        return self._finish(kept)

    def _sustain(self, report: Report) -> float:
        """Rate of the largest multiplication back to back, over that of a single call (at most 1)."""
        form = self.formats[0]
        rows = self.measured.of("gemm", number_format=form)
        if not rows:
            return 1.0
        row = max(rows, key=lambda r: float(str(r["m"])) * float(str(r["n"])) * float(str(r["k"])))
        m, n, k = (int(str(row[size])) for size in "mnk")
        job = Job("gemm", form, m, n, k, str(row["layout"]))
        report("multiplications back to back", 1.0 - _SUSTAINED)
        single = float(str(row["latency_ms"])) * 1e-3
        repeats = min(max(int(self.seconds * _SUSTAINED / single), 3), _MOST)
        try:
            times = self.backend.sample(self.backend.prepare(job), repeats)
        except (MemoryError, RuntimeError):
            return 1.0
        return min(single / float(np.median(times[-(len(times) // 3) or -1 :])), 1.0)

    def _collect(self, rates: Rates) -> None:
        from gigawatt.calibration.distributed import measure_collectives

        if self.backend.device.framework != "torch":
            self.measured.notice("collectives are left out: they need torch")
            return
        gpu = self.backend.device.kind == "GPU"
        jobs = collective_jobs(devices=self.ranks, memory=rates.memory, gpu=gpu)
        measure_collectives(jobs, gpu=gpu, seconds=self.seconds * _COLLECTIVES, into=self.measured)

    def _finish(self, kept: float) -> Calibration:
        from gigawatt.calibration.fit import FEWEST, fit_kernels
        from gigawatt.calibration.links import fit_link

        if not self.measured.of("memory_copy"):
            raise InfeasibleError(
                "no copy was measured", key="--seconds", given=self.seconds,
                allowed=f"more; the rows are in {self.table}",
            )  # fmt: skip
        enough = max(len(self.measured.of("gemm", number_format=form)) for form in self.formats)
        if enough < FEWEST:
            raise InfeasibleError(
                f"{enough} multiplications of a format were measured, too few to fit",
                key="--seconds",
                given=self.seconds,
                allowed=f"more; the rows are in {self.table}",
            )
        numbers = chip_numbers(self.measured, self.formats, same=self.same, like=self.like, ranks=self.ranks)
        link = fit_link(self.name, self.measured, like=self.like, same=self.like is self.same)
        texts = chip_texts(
            self.name, self.measured, like=self.like, link="" if link is None else link.texts["id"]
        )
        kin = "" if self.same is None else self.same.text("kernels")
        fits = fit_kernels(self.name, source_id(self.name), self.measured, numbers, kin=kin)
        share = Number("share", kept, "", Grade.measured, "rate back to back over that of a single call")
        files = write_user_rows(
            self.folder, self.name, self.measured.device,
            texts=texts, numbers=numbers, kernels=fits.numbers, surfaces=fits.surfaces,
            link=None if link is None else link.texts, link_numbers=() if link is None else link.numbers,
            sustained=share,
        )  # fmt: skip
        loader.forget()
        from gigawatt.machine.load import load_chip

        chip = load_chip(self.name)
        return Calibration(
            name=self.name,
            measured=self.measured,
            table=self.table,
            folder=self.folder,
            files=files,
            scores=[*judge(chip, self.measured), *(() if link is None else link.scores)],
            ratios={} if self.same is None else compare(load_chip(self.same.id), self.measured),
            same="" if self.same is None else self.same.id,
            numbers=numbers,
        )


def _mark(measured: Measured) -> None:
    """Keep every fifth shape of each kind and number format from the fit."""
    for operation in ("gemm", *ATTENTION):
        for form in DTYPES:
            for index, row in enumerate(measured.of(operation, number_format=form)):
                row["judges"] = int(is_judged(index))
