"""From genes to what matters: a chip from its parts, its machine, its run or its service, its money.

Nothing is approximated for the sake of the search: every design is built by the chip builder, every layout
that divides is searched, and money, goodput and power are those of the plans.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from gigawatt.catalog import entity
from gigawatt.chain.machine.accelerator_price import campus_of, power_of
from gigawatt.chain.money import Campus
from gigawatt.chain.serving.question import ServingQuestion
from gigawatt.chain.serving.replica import candidates, prices_of
from gigawatt.chain.serving.screen import screen
from gigawatt.chain.training.plan import training_outcome
from gigawatt.chain.training.question import TrainingQuestion
from gigawatt.chain.training.size import fit_again, fit_run, fit_whole
from gigawatt.chain.training.sizes import Fit
from gigawatt.core.errors import GigawattError
from gigawatt.machine import Chip, Cluster
from gigawatt.machine.chip.build import build_chip
from gigawatt.machine.chip.built import Built
from gigawatt.machine.chip.columns import chip_columns, vary
from gigawatt.machine.chip.parts import Design
from gigawatt.machine.load import chip_of, load_link, load_node
from gigawatt.machine.machine import Link, Node
from gigawatt.studies.codesign.equal_loss import shaped, tokens_at_equal_loss
from gigawatt.studies.codesign.space import Gene
from gigawatt.technology.chiplets.node_laws import Laws

__all__ = [
    "Limits", "Model", "Outcome", "ServingModel", "Source", "TrainingModel", "metrics_of", "usual_links",
]  # fmt: skip

Array = NDArray[np.float64]
Genes = NDArray[np.int64]
Limits = Mapping[str, float]
"""Metric → the most that it may be [SI]."""

_MANY = 2**20
_BITS = 4


@dataclass(frozen=True)
class Source:
    """A source of power: plants, what its electricity costs [$/J] and emits [kg/J]."""

    name: str
    electricity: float
    carbon: float


@dataclass(frozen=True)
class Outcome:
    """What a design comes to: metrics [SI], or why it cannot be; ``excess`` past the worst limit."""

    genes: tuple[int, ...]
    metrics: Mapping[str, float]
    excess: float
    reason: str = ""
    chip: Chip | None = field(default=None, repr=False)
    built: Built | None = field(default=None, repr=False)
    layout: Mapping[str, float] = field(default_factory=dict[str, float], repr=False)
    parts: Mapping[str, float] = field(default_factory=dict[str, float], repr=False)


_TRAINING = {
    "cost": "$", "energy": "GWh", "time": "days", "capital": "M$", "power": "MW", "chip_price": "$",
    "chip_power": "W", "die_area": "mm^2", "carbon": "t", "tokens": "tokens", "mfu": "percent",
}  # fmt: skip
_SERVING = {
    "cost": "$/Mtoken", "energy": "J/token", "time": "ms", "capital": "$*s/token", "power": "J/token",
    "chip_price": "$", "chip_power": "W", "die_area": "mm^2", "carbon": "g/Mtoken", "first_token": "s",
    "chips_per_rate": "s/token",
}  # fmt: skip


def metrics_of(serves: bool) -> Mapping[str, str]:
    """Metrics and the unit that each is shown in."""
    return _SERVING if serves else _TRAINING


class Model(ABC):
    """Designs of one template for one question; outcomes are kept.

    ``shared`` are options of the cluster that every chip has, those of the catalog too; ``notices`` are
    of the scenario.
    """

    objectives = ("cost", "energy", "time", "capital")
    screens: ClassVar[bool] = False
    """Whether :meth:`evaluate` looks less closely than :meth:`outcome`."""

    def __init__(
        self,
        design: Design,
        genes: Sequence[Gene],
        sources: Sequence[Source],
        *,
        links: tuple[Link, Link, Node],
        limits: Limits | None = None,
        laws: Laws | None = None,
        shared: Mapping[str, Any] | None = None,
        notices: Sequence[str] = (),
    ) -> None:
        self.design, self.genes, self.sources = design, tuple(genes), {one.name: one for one in sources}
        self.scale_up, self.scale_out, self.node = links
        self.limits, self.laws = dict(limits or {}), laws
        self.shared, self.notices = dict(shared or {}), tuple(notices)
        self.own_leaving = self.scale_up.bandwidth + self.scale_out.bandwidth
        self.known: dict[tuple[tuple[int, ...], bool], Outcome] = {}
        self.prices = entity("codesign", "links")

    @property
    @abstractmethod
    def chip(self) -> Chip:
        """The scenario's chip, at the price that it gives."""

    @property
    def own(self) -> tuple[int, ...]:
        """Genes of today's chip and the scenario."""
        return tuple(gene.own for gene in self.genes)

    def values(self, genes: Sequence[int]) -> dict[str, Any]:
        """Gene → value [SI], or name."""
        return {gene.key: gene.values[int(i)] for gene, i in zip(self.genes, genes, strict=True)}

    def evaluate(self, genes: Genes) -> tuple[Array, Array]:
        """Objectives (P, M) and excess (P,) of many designs, screened; what cannot be laid out is not built.

        A run is screened on all accelerators in one layout; :meth:`outcome` looks for the quickest part.
        """
        rows = [tuple(int(x) for x in row) for row in genes]
        found = self._known(rows, rough=self.screens)
        empty = [math.inf] * len(self.objectives)
        values = [[one.metrics[m] for m in self.objectives] if one.metrics else empty for one in found]
        return np.array(values), np.array([one.excess for one in found])

    def outcome(self, genes: Sequence[int]) -> Outcome:
        """One design."""
        return self._known([tuple(int(x) for x in genes)])[0]

    def _known(self, rows: list[tuple[int, ...]], *, rough: bool = False) -> list[Outcome]:
        new = [row for row in dict.fromkeys(rows) if (row, rough) not in self.known]
        for row, past in zip(new, self._past(new), strict=True):
            self.known[row, rough] = (
                self._not(row, 10.0 + past, "area, edge or package")
                if past > 0.0
                else self.made(row, rough=rough)
            )
        return [self.known[row, rough] for row in rows]

    def under(self, laws: Laws) -> Self:
        """The same question with other laws of rate and joules."""
        made = copy(self)
        made.laws, made.known = laws, {}
        return made

    def _past(self, rows: list[tuple[int, ...]]) -> Array:
        """How far each design passes its worst limit of area, edge or package."""
        if not rows:
            return np.zeros(0)
        told = [self.values(row) for row in rows]
        names = ("dies", "area", "sram", "stacks")
        columns = {key: np.array([float(one[key]) for one in told]) for key in names}
        leaving = np.array([float(one["scale_up"]) for one in told]) + self.scale_out.bandwidth
        past = np.full(len(rows), -np.inf)
        heights = np.array([float(one["height"]) for one in told])
        for height in np.unique(heights):
            mine = heights == height
            found = chip_columns(
                self.design, **{key: column[mine] for key, column in columns.items()},
                leaving=leaving[mine], own_leaving=self.own_leaving, height=int(height), laws=self.laws,
            )  # fmt: skip
            past[mine] = found.excess
        return past

    def _not(self, row: tuple[int, ...], excess: float, reason: str) -> Outcome:
        return Outcome(row, {}, excess, reason)

    def built(self, row: Sequence[int]) -> tuple[Built, Chip, dict[str, Any]]:
        """(the chip from its parts, the same as the software sees it, options of its cluster).

        Raises
        ------
        GigawattError
            A design that cannot be made.
        """
        told = self.values(row)
        bandwidth = float(told["scale_up"])
        leaving = bandwidth + self.scale_out.bandwidth
        design = vary(
            self.design, dies=int(told["dies"]), area=float(told["area"]), sram=float(told["sram"]),
            stacks=int(told["stacks"]), height=int(told["height"]), leaving=leaving,
            own_leaving=self.own_leaving,
        )  # fmt: skip
        made = build_chip(design, laws=self.laws, leaving=leaving)
        more = bandwidth - self.scale_up.bandwidth
        node = replace(
            self.node,
            price=max(self.node.price + self.prices.value("switch_price") * more * self.node.chips, 0.0),
            overhead_power=max(
                self.node.overhead_power + self.prices.value("switch_power") * more * self.node.chips, 0.0
            ),
        )
        options = {
            "node": node,
            "scale_up": replace(self.scale_up, bandwidth=bandwidth),
            "scale_out": self.scale_out,
            "domain": int(told["domain"]),
        }
        return made, chip_of(made.entity()), options

    def made(self, row: tuple[int, ...], *, rough: bool = False) -> Outcome:
        """A design, built and put to work; a run on all accelerators in one layout where ``rough``."""
        try:
            built, chip, options = self.built(row)
            found = self.work(row, built, chip, options, rough=rough)
        except GigawattError as error:
            return self._not(row, 5.0, error.message)
        if not found.metrics:  # a service that keeps no promise says by how much
            return found
        past = [found.metrics[name] / most - 1.0 for name, most in self.limits.items()]
        return replace(found, excess=max([0.0 if one <= 1e-9 else one for one in past], default=0.0))

    @abstractmethod
    def work(
        self, row: tuple[int, ...], built: Built, chip: Chip, options: dict[str, Any], *, rough: bool
    ) -> Outcome:
        """What the machine of a chip does with the question."""

    def _chip_metrics(self, built: Built, chip: Chip) -> dict[str, float]:
        return {"chip_price": chip.price, "chip_power": chip.power_limit, "die_area": built.die_area}


class TrainingModel(Model):
    """Runs: money, joules at the meter and seconds of one run, money of the campus."""

    screens = True

    def __init__(self, question: TrainingQuestion, count: int, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.question, self.count = question, count
        self.fits: dict[tuple[int, ...], Fit] = {}
        self.held: Mapping[tuple[int, ...], Fit] = {}
        self._models: dict[tuple[float, float], tuple[Any, float]] = {}

    @property
    def chip(self) -> Chip:
        """The scenario's chip, at the price that it gives."""
        return self.question.chip

    def accelerators(self, ratio: float) -> int:
        """Whole nodes of accelerators with few binary digits, about ``ratio`` times the scenario's."""
        if ratio == 1.0:
            return self.count
        wanted = max(self.count * ratio, float(self.node.chips))
        step = 2 ** max(0, math.floor(math.log2(wanted * (1.0 + 1e-9))) - _BITS + 1)
        step = max(step, self.node.chips)
        return max(int(wanted * (1.0 + 1e-9) // step) * step, self.node.chips)

    def trained(self, parameters: float, aspect: float) -> tuple[Any, float]:
        """(the model of this shape, tokens with which it reaches the scenario's loss)."""
        key = parameters, aspect
        if key not in self._models:
            base = self.question.architecture
            model = shaped(base, parameters=base.active_parameters * parameters, aspect=aspect)
            tokens, _, _ = tokens_at_equal_loss(
                model.active_parameters,
                base_parameters=base.active_parameters,
                base_tokens=self.question.tokens,
            )
            self._models[key] = model, float(tokens[0])
        return self._models[key]

    def under(self, laws: Laws) -> Self:
        """The same question with other laws; a run looked at before keeps its accelerators and batch."""
        made = super().under(laws)
        made.held, made.fits = self.held or self.fits, {}
        return made

    def asked(
        self, row: Sequence[int], chip: Chip, options: Mapping[str, Any]
    ) -> tuple[TrainingQuestion, int]:
        """(the question of a design, accelerators)."""
        told = self.values(row)
        model, tokens = self.trained(float(told["parameters"]), float(told["aspect"]))
        source = self.sources[str(told["source"])]
        question = replace(
            self.question, architecture=model, tokens=tokens, number_format=str(told["format"]), chip=chip,
            options={**self.shared, **options}, electricity=source.electricity,
        )  # fmt: skip
        return question, self.accelerators(float(told["count"]))

    def work(
        self, row: tuple[int, ...], built: Built, chip: Chip, options: dict[str, Any], *, rough: bool
    ) -> Outcome:
        """A run: the quickest layout of all, at goodput."""
        question, count = self.asked(row, chip, options)
        source = self.sources[str(self.values(row)["source"])]
        return self.run(row, question, count, source, self._chip_metrics(built, chip), built, rough=rough)

    def run(
        self,
        row: tuple[int, ...],
        question: TrainingQuestion,
        count: int,
        source: Source,
        chip_metrics: Mapping[str, float],
        built: Built | None = None,
        *,
        rough: bool = False,
    ) -> Outcome:
        """The outcome of a question on so many accelerators."""
        part = self._fit(row, question, count, rough)
        found = part.search
        power = power_of(question, count)
        bought, price = campus_of(question, question.cluster(count)[0], power)
        outcome = training_outcome(question, part.run, found.best, count, part.share, price, part.spare_power)
        metrics = {
            "cost": float(outcome.cost[0]),
            "energy": float(outcome.energy[0]),
            "time": float(outcome.seconds[0]),
            "capital": _capital(bought),
            "power": power.facility,
            "carbon": float(outcome.energy[0]) * source.carbon,
            "tokens": question.tokens,
            "mfu": float(found.best.mfu[0]),
            **chip_metrics,
        }
        layout = found.best.layouts.to_frame().iloc[0].to_dict() if built is not None else {}
        parts = {name: float(value[0]) for name, value in found.best.parts.items()}
        return Outcome(row, metrics, 0.0, "", question.chip, built, layout, parts)

    def _fit(self, row: tuple[int, ...], question: TrainingQuestion, count: int, rough: bool) -> Fit:
        if rough:
            return fit_whole(question, count)
        if row in self.held:
            return fit_again(question, self.held[row])
        found = fit_run(question, count)
        if row:
            self.fits[row] = found
        return found


def _capital(bought: Campus) -> float:
    """Money before anything runs: chips, nodes, network, building [$]."""
    return sum(asset.price for asset in bought.assets.values())


class ServingModel(Model):
    """Service: money, joules and capital of a written token, time between tokens, in steady serving."""

    def __init__(self, question: ServingQuestion, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.question = question

    @property
    def chip(self) -> Chip:
        """The scenario's chip, at the price that it gives."""
        return self.question.chip

    def asked(self, row: Sequence[int], chip: Chip, options: Mapping[str, Any]) -> ServingQuestion:
        """The question of a design."""
        told = self.values(row)
        source = self.sources[str(told["source"])]
        objective, speed = self.question.objective, float(told["speed"])
        if objective.tpot is not None:
            objective = replace(objective, tpot=objective.tpot * speed)
        return replace(
            self.question, chip=chip, options={**self.shared, **options}, weights=str(told["format"]),
            objective=objective, electricity=source.electricity,
        )  # fmt: skip

    def work(
        self, row: tuple[int, ...], built: Built, chip: Chip, options: dict[str, Any], *, rough: bool
    ) -> Outcome:
        """The cheapest replica and load that keep the promise."""
        told = self.values(row)
        source = self.sources[str(told["source"])]
        return self.serve(row, self.asked(row, chip, options), source, self._chip_metrics(built, chip), built)

    def serve(
        self,
        row: tuple[int, ...],
        question: ServingQuestion,
        source: Source,
        chip_metrics: Mapping[str, float],
        built: Built | None = None,
        change: Callable[[Cluster], Cluster] | None = None,
    ) -> Outcome:
        """The outcome of a question: of all replicas and loads that keep the promise, the cheapest a token.

        ``change`` is made to the cluster before anything is computed.
        """
        cluster, _ = question.cluster(_MANY)
        cluster = cluster if change is None else change(cluster)
        degrees, _ = candidates(question, cluster)
        points, _ = screen(question, cluster, degrees)
        past = points.excess(question.objective) - 1.0
        if not bool(np.any(past <= 0.0)):
            return Outcome(row, {}, float(np.min(past)), "no replica meets the latency target", question.chip)
        kept = points.take(np.flatnonzero(past <= 0.0))
        prices, power, _ = prices_of(question, cluster)
        written = kept.rate * question.traffic.mean_output
        meter = prices.meter(kept.power(), kept.chips)
        cost = prices.cost(kept.power(), kept.chips) / written
        best, count = int(np.argmin(cost)), cluster.count
        campus, _ = campus_of(question, cluster, power)
        chips = float(kept.chips[best])
        metrics = {
            "cost": float(cost[best]),
            "energy": float(meter[best] / written[best]),
            "time": float(kept.tpot[best]),
            "capital": _capital(campus) / count * chips / float(written[best]),
            "power": prices.design * question.pue_peak * chips / float(written[best]),
            "carbon": float(meter[best] / written[best]) * source.carbon,
            "first_token": float(kept.slow_ttft[best]),
            "chips_per_rate": chips / float(written[best]),
            **chip_metrics,
        }
        layout = {**kept.degrees.row(best), "held": float(kept.held[best])}
        parts = {name: float(value[best]) for name, value in kept.parts.items()}
        return Outcome(row, metrics, 0.0, "", question.chip, built, layout, parts)


def usual_links(design: Design) -> tuple[Link, Link, Node]:
    """Links and node of a design as the catalog has them."""
    return load_link(design.scale_up), load_link(design.scale_out), load_node(design.node)
