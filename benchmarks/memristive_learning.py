"""Memristive synapses that learn by spike timing: a layer of integrate-and-fire neurons, unsupervised.

An image drives its inputs to spikes, each in every step with a chance that grows with the pixel. Neurons
integrate conductances; the first above its threshold fires, silences the others (winner takes all) and
writes its own synapses: one pulse up where the input has just spiked, one down where it has not, the pairing
of spikes within a window. Thresholds follow activity (homeostasis). Labels are not used to
learn; each neuron afterwards gets the class for which it fires most.

A conductance g within 0 and 1 of its device's range moves by α₊ exp(−β₊ g) up and α₋ exp(−β₋ (1 − g)) down,
never beyond its bounds. ``levels`` pulses cross the range: α = (exp(β) − 1)/(β levels). α and both bounds
differ from device to device, and each pulse varies.

References
----------
Querlioz, Bichler, Dollfus and Gamrat 2013, "Immunity to device variations in a spiking neural network with
memristive nanodevices", IEEE Transactions on Nanotechnology 12, 288 (rule, homeostasis); Bi and Poo 1998,
"Synaptic modifications in cultured hippocampal neurons", Journal of Neuroscience 18, 10464.
"""

from __future__ import annotations

import csv
import gzip
import io
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigawatt.catalog.loader import entity
from gigawatt.core.errors import InputError, MissingDataError

__all__ = [
    "Learned",
    "Memristor",
    "Network",
    "Patterns",
    "learn",
    "load_digits",
    "load_memristor",
    "load_network",
    "make_patterns",
    "pulse",
]

Array = NDArray[np.float64]
_DIGITS = "datasets/data/digits.csv.gz"
_GREY = 16.0  # levels of a pixel of the digits


@dataclass(frozen=True)
class Memristor:
    """A device: exponents of its update (``up``, ``down``) [1], pulses across its range (``levels_up``,
    ``levels_down``), spread from device to device (``spread``: α, bounds) and of each pulse (``noise``, of
    the range), conductances [S], voltages [V] and times [s] of writing and reading."""

    up: float
    down: float
    levels_up: float
    levels_down: float
    spread: float
    noise: float
    conductance: float
    floor: float
    write_up: float
    write_down: float
    write_time: float
    read: float
    read_time: float

    def __post_init__(self) -> None:
        for name, low, high in (
            ("up", 0.0, 20.0), ("down", 0.0, 20.0), ("levels_up", 1.0, 1e6), ("levels_down", 1.0, 1e6),
            ("spread", 0.0, 1.0), ("noise", 0.0, 1.0), ("floor", 0.0, self.conductance),
            ("conductance", 0.0, 1.0), ("write_time", 0.0, 1.0), ("read_time", 0.0, 1.0),
        ):  # fmt: skip
            value = getattr(self, name)
            if not low <= value <= high:
                raise InputError(
                    "outside its physical range", key=name, given=value, allowed=f"{low:g} to {high:g}"
                )


@dataclass(frozen=True)
class Network:
    """Neurons and their time: ``neurons``; ``steps`` of an image and the chance of a spike of a full pixel in
    a step (``rate``); share of a membrane that is left after a step (``leak``); steps of the pairing
    (``window``) and of silence after a spike (``inhibition``); ``threshold`` at the start, its change by
    activity (``homeostasis``), the spikes of an image that a neuron is held to (``target``), and the least
    threshold (``least``, a share of that at the start); conductances at the start are drawn between
    ``start_low`` and ``start_high`` of their range."""

    neurons: int
    steps: int
    rate: float
    leak: float
    window: int
    inhibition: int
    threshold: float
    homeostasis: float
    target: float
    least: float
    start_low: float
    start_high: float


@dataclass(frozen=True)
class Patterns:
    """Images (n, pixels) within 0 and 1, their classes (n,), and the best accuracy that anybody can reach
    (``None``: not known)."""

    images: Array
    classes: NDArray[np.int64]
    best: float | None = None

    def part(self, start: int, stop: int) -> Patterns:
        """Images from ``start`` on, before ``stop``."""
        return replace(self, images=self.images[start:stop], classes=self.classes[start:stop])


@dataclass(frozen=True)
class Learned:
    """``accuracy`` on images not learned from; ``updates`` (pulses written), ``reads`` (spikes on synapses)
    and their joules (``write_energy``, ``read_energy``), all of learning; ``spikes`` of neurons an image;
    ``conductances`` (neurons, pixels) as shares of the range; ``labels`` of neurons (−1: never fired)."""

    accuracy: float
    updates: float
    write_energy: float
    reads: float
    read_energy: float
    spikes: float
    conductances: Array
    labels: NDArray[np.int64]

    @property
    def update_energy(self) -> float:
        """J a pulse."""
        return self.write_energy / max(self.updates, 1.0)


def load_memristor(name: str, **changes: float) -> Memristor:
    """A row of ``memristors``, with changes.

    Raises
    ------
    InputError
        No such device, or a number outside its physical range.
    """
    row = entity("memristors", name)
    fields = {key: row.value(key) for key in Memristor.__dataclass_fields__}
    return replace(Memristor(**fields), **changes)


def load_network(**changes: float) -> Network:
    """The row ``network`` of ``memristors``, with changes."""
    row = entity("memristors", "network")
    made: dict[str, Any] = {key: row.value(key) for key in Network.__dataclass_fields__} | changes
    for key in ("neurons", "steps", "window", "inhibition"):
        made[key] = int(made[key])
    made_network = Network(**made)
    for key, low, high in (
        ("neurons", 1, 1e5), ("steps", 1, 1e4), ("rate", 0.0, 1.0), ("leak", 0.0, 1.0), ("window", 1, 1e4),
        ("inhibition", 0, 1e4), ("threshold", 1e-9, 1e9), ("homeostasis", 0.0, 1e3), ("target", 0.0, 1e3),
        ("least", 0.0, 1.0),
        ("start_low", 0.0, 1.0),
        ("start_high", made_network.start_low, 1.0),
    ):  # fmt: skip
        if not low <= getattr(made_network, key) <= high:
            raise InputError("out of range", key=key, given=made[key], allowed=f"{low:g} to {high:g}")
    return made_network


def _step(exponent: float, levels: float) -> float:
    return np.expm1(exponent) / (exponent * levels) if exponent > 1e-9 else 1.0 / levels


def pulse(
    device: Memristor,
    g: Array,
    raised: NDArray[np.bool_],
    *,
    strength: Array | float = 1.0,
    low: Array | float = 0.0,
    high: Array | float = 1.0,
    rng: np.random.Generator | None = None,
) -> Array:
    """Conductances after one pulse each: up where ``raised``, down elsewhere; within their bounds.

    Parameters
    ----------
    device : Memristor
        Exponents, levels and noise.
    g : array
        Shares of the range, 0 to 1.
    raised : array of bool
        Of the shape of ``g``.
    strength, low, high : array or float
        Of each device: factor on α, and its bounds.
    rng : Generator, optional
        Of the noise of a pulse; none without it.
    """
    span = np.maximum(np.asarray(high) - low, 1e-12)
    place = (g - low) / span
    up = _step(device.up, device.levels_up) * np.exp(-device.up * place)
    down = -_step(device.down, device.levels_down) * np.exp(-device.down * (1.0 - place))
    moved = np.where(raised, up, down) * strength * span
    if rng is not None and device.noise > 0.0:
        moved = moved + device.noise * span * rng.standard_normal(g.shape)
    return np.clip(g + moved, low, high)


def learn(
    network: Network,
    device: Memristor,
    training: Patterns,
    test: Patterns,
    *,
    epochs: int = 1,
    seed: int = 0,
) -> Learned:
    """Show ``training`` ``epochs`` times, label the neurons on it, and judge them on ``test``.

    Parameters
    ----------
    network, device : Network, Memristor
        What learns.
    training, test : Patterns
        With as many pixels.
    epochs : int
        Passes, in an order that is drawn.
    seed : int
        Of devices, noise, order and spikes.

    Raises
    ------
    InputError
        No images, another number of pixels, no epoch.
    """
    if epochs < 1:
        raise InputError("too few", key="epochs", given=epochs, allowed="1 or more")
    for key, one in (("training", training), ("test", test)):
        if not len(one.images) or one.images.shape[1] != training.images.shape[1]:
            raise InputError(
                "images that do not fit", key=key, given=one.images.shape,
                allowed=f"one image or more, of {training.images.shape[-1]} pixels",
            )  # fmt: skip
    rng = np.random.default_rng(seed)
    layer = _Layer(network, device, training.images.shape[1], rng)
    shown = 0
    for _ in range(epochs):
        for index in rng.permutation(len(training.images)):
            layer.show(training.images[index], learning=True)
            shown += 1
    counted = (layer.updates, layer.write_energy, layer.reads, layer.read_energy, layer.fired / shown)
    answers = np.stack([layer.show(image, learning=False) for image in training.images])
    classes = int(max(training.classes.max(), test.classes.max())) + 1
    votes = np.stack([answers[training.classes == c].sum(0) for c in range(classes)])
    share = votes / np.maximum(np.bincount(training.classes, minlength=classes), 1)[:, None]
    labels = np.where(votes.sum(0) > 0, share.argmax(0), -1)
    guesses = np.array([_answer(layer.show(image, learning=False), labels, classes) for image in test.images])
    return Learned(
        accuracy=float((guesses == test.classes).mean()),
        updates=counted[0],
        write_energy=counted[1],
        reads=counted[2],
        read_energy=counted[3],
        spikes=counted[4],
        conductances=layer.g.copy(),
        labels=labels.astype(np.int64),
    )


def _answer(fired: Array, labels: NDArray[Any], classes: int) -> int:
    """The class whose neurons fired most; −1 where nobody did."""
    known = labels >= 0
    votes = np.bincount(labels[known], weights=fired[known], minlength=classes)
    return int(votes.argmax()) if votes.max() > 0 else -1


class _Layer:
    """Conductances, thresholds and what was counted."""

    def __init__(self, network: Network, device: Memristor, pixels: int, rng: np.random.Generator) -> None:
        self.network, self.device, self.rng = network, device, rng
        shape = (network.neurons, pixels)

        def drawn() -> Array:
            return np.maximum(1.0 + device.spread * rng.standard_normal(shape), 0.0)

        self.strength = drawn()
        share = device.floor / max(device.conductance - device.floor, 1e-30)
        self.low = share * device.spread * np.abs(rng.standard_normal(shape))
        self.high = np.maximum(drawn(), self.low)
        self.g = self.low + (self.high - self.low) * rng.uniform(network.start_low, network.start_high, shape)
        self.threshold = np.full(network.neurons, network.threshold)
        self.updates = self.write_energy = self.reads = self.read_energy = self.fired = 0.0

    def _siemens(self, g: Array) -> Array:
        return self.device.floor + (self.device.conductance - self.device.floor) * g

    def show(self, image: Array, *, learning: bool) -> Array:
        """Spikes of each neuron on an image."""
        net = self.network
        spikes = self.rng.random((net.steps, image.size)) < net.rate * image
        drive = spikes @ self.g.T
        membrane, fired = np.zeros(net.neurons), np.zeros(net.neurons)
        silent = 0
        for step in range(net.steps):
            if silent > 0:
                silent -= 1
                continue
            membrane = net.leak * membrane + drive[step]
            winner = int((membrane - self.threshold).argmax())
            if membrane[winner] <= self.threshold[winner]:
                continue
            fired[winner] += 1.0
            membrane[:] = 0.0
            silent = net.inhibition
            if learning:
                recent = spikes[max(0, step + 1 - net.window) : step + 1]
                self._write(winner, np.asarray(recent.any(axis=0), dtype=np.bool_))
                drive[:, winner] = spikes @ self.g[winner]
        if learning:
            self._count(spikes)
            self.fired += fired.sum()
            moved = net.homeostasis * (fired - net.target)
            self.threshold = np.maximum(self.threshold + moved, net.least * net.threshold)
        return fired

    def _write(self, winner: int, raised: NDArray[np.bool_]) -> None:
        before = self._siemens(self.g[winner])
        volts = np.where(raised, self.device.write_up, self.device.write_down)
        self.write_energy += float((volts**2 * before).sum() * self.device.write_time)
        self.updates += raised.size
        self.g[winner] = pulse(
            self.device, self.g[winner], raised, strength=self.strength[winner], low=self.low[winner],
            high=self.high[winner], rng=self.rng,
        )  # fmt: skip

    def _count(self, spikes: NDArray[np.bool_]) -> None:
        self.reads += float(spikes.sum()) * self.network.neurons
        current = float((spikes.sum(0) * self._siemens(self.g)).sum())
        self.read_energy += self.device.read**2 * self.device.read_time * current


def make_patterns(
    *, classes: int = 10, pixels: int = 64, flip: float = 0.1, count: int = 1000, seed: int = 0
) -> Patterns:
    """Hidden black-and-white patterns with pixels flipped by chance: the best accuracy is known.

    Nobody can do better than the nearest pattern, which is the most likely one while ``flip`` < 1/2; ``best``
    is what that reaches on these images.

    Raises
    ------
    InputError
        A chance from 1/2 on; no class, pixel or image.
    """
    if not 0.0 <= flip < 0.5:
        raise InputError("not a chance", key="flip", given=flip, allowed="0 to below 0.5")
    for key, value in (("classes", classes), ("pixels", pixels), ("count", count)):
        if value < 1:
            raise InputError("too few", key=key, given=value, allowed="1 or more")
    rng = np.random.default_rng(seed)
    hidden = (rng.random((classes, pixels)) < 0.35).astype(float)
    labels = rng.integers(0, classes, count)
    images = np.abs(hidden[labels] - (rng.random((count, pixels)) < flip))
    nearest = np.abs(images[:, None, :] - hidden[None]).sum(2).argmin(1)
    return Patterns(images, labels, float((nearest == labels).mean()))


def load_digits(file: Path | None = None) -> Patterns:
    """1,797 handwritten digits of 8 × 8 pixels: the copy in the wheel of scikit-learn, which is not imported.

    Parameters
    ----------
    file : Path, optional
        ``digits.csv.gz`` somewhere else.

    Raises
    ------
    MissingDataError
        Neither a file nor the wheel.
    """
    if file is None:
        spec = find_spec("sklearn")
        places = [] if spec is None else list(spec.submodule_search_locations or [])
        found = [Path(place) / _DIGITS for place in places if (Path(place) / _DIGITS).exists()]
        file = found[0] if found else None
    if file is None or not file.exists():
        raise MissingDataError(
            "no digits", key="digits", allowed="pip install --no-deps scikit-learn, or a file digits.csv.gz"
        )
    text = io.StringIO(gzip.decompress(file.read_bytes()).decode("ascii"))
    rows = np.array([[float(x) for x in row] for row in csv.reader(text)])
    return Patterns(rows[:, :-1] / _GREY, rows[:, -1].astype(np.int64))
