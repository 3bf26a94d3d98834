"""Classes of requests in words: a share or rate, lengths, latency target and priority of each."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gigawatt.chain.assumption_list import AssumptionList
from gigawatt.chain.serving.traffic import Traffic, read_traffic
from gigawatt.core.errors import InputError, nearest
from gigawatt.core.quantities import parse
from gigawatt.schema.request_rate import read_rate
from gigawatt.serving.classes import merged
from gigawatt.serving.objectives import Objective, read_objective
from gigawatt.serving.requests import Requests

__all__ = ["Mix", "MixedTraffic", "RequestClass", "class_words", "read_classes", "refuse_beside_classes"]

_EXAMPLE = "such as 'chat: share=80%, ttft=1s, tpot=50ms, p99; batch: share=20%, prompt=4000, priority=1'"
_LENGTHS = ("trace", "prompt", "output", "arrivals", "variation", "shape")
_LIMITS = ("ttft", "tpot", "e2e", "objective")
_SAMPLE = 8192
"""Requests of a sample of all classes."""
_NONE = Requests(np.zeros(0), np.zeros(0, np.int64), np.zeros(0, np.int64))
_KEYS = ("share", "rate", "priority", *_LENGTHS, *_LIMITS, "percentile")


@dataclass(frozen=True)
class Mix:
    """Requests of several ``classes``: ``requests`` (N,), of the class ``member`` (N,) each."""

    classes: tuple[RequestClass, ...]
    requests: Requests
    member: NDArray[np.int64]

    @property
    def objectives(self) -> tuple[Objective | None, ...]:
        """Latency target of each class."""
        return tuple(one.objective for one in self.classes)


@dataclass(frozen=True)
class RequestClass:
    """A class of requests: ``share`` of all, its own traffic and latency target, ``priority`` (0: first)."""

    name: str
    share: float
    traffic: Traffic
    objective: Objective | None
    priority: int


@dataclass(frozen=True)
class MixedTraffic(Traffic):
    """The traffic of several ``classes`` on the same replicas; ``rate`` [1/s] of all where each gives one."""

    classes: tuple[RequestClass, ...] = ()
    rate: float | None = None

    @property
    def own_rate(self) -> float | None:
        """Requests a second of all classes, where each gives its own."""
        return self.rate

    @property
    def target(self) -> Objective | None:
        """What a screen of all requests alike asks for: TTFT of the most urgent class with a target, the
        shortest TPOT of all, the highest percentile; None without a target."""
        targets = [
            one.objective for one in sorted(self.classes, key=lambda one: one.priority) if one.objective
        ]
        if not targets:
            return None
        first = next((one.ttft for one in targets if math.isfinite(one.ttft)), math.inf)
        shares = [one.percentile for one in targets if one.percentile is not None]
        return Objective(
            ttft=first, tpot=min(one.tpot for one in targets), percentile=max(shares, default=None),
            name=" + ".join(one.name for one in self.classes if one.objective),
        )  # fmt: skip

    @property
    def relaxed(self) -> Objective | None:
        """:attr:`target` with the longest TTFT of any class: what a screen asks for that knows no priorities,
        where nothing meets the other by it."""
        longest = max(math.inf if one.objective is None else one.objective.ttft for one in self.classes)
        return None if self.target is None else replace(self.target, ttft=longest)

    def mixed(self, *, rate: float, count: int, seed: int = 0) -> Mix:
        """About ``count`` requests of all classes at a mean ``rate`` [1/s]; each class draws its own."""
        parts: list[Requests] = []
        for k, one in enumerate(self.classes):
            number = max(round(count * one.share), 1)
            made = one.traffic.at(rate=rate * one.share, count=number, seed=seed + k)
            level = np.full(len(made), one.priority)
            parts.append(Requests(
                made.arrival, made.prompt, made.output, level, made.blocks, made.block_tokens, made.sessions,
            ))  # fmt: skip
        return Mix(self.classes, *merged(parts))

    def at(self, *, rate: float, count: int, seed: int = 0) -> Requests:
        """The requests of :meth:`mixed`."""
        return self.mixed(rate=rate, count=count, seed=seed).requests


def class_words(text: str) -> dict[str, dict[str, str]]:
    """Words of each class by its name: ``chat: share=80%, ttft=1s, p99; batch: …``.

    Raises
    ------
    InputError
        A class without a name or settings, or given twice; an unknown setting, or one given twice.
    """
    found: dict[str, dict[str, str]] = {}
    for part in (one.strip() for one in text.split(";") if one.strip()):
        name, sign, rest = (piece.strip() for piece in part.partition(":"))
        if not sign or not re.fullmatch(r"[\w-]+", name) or not rest:
            raise InputError("not a class", key="classes", given=part, allowed=_EXAMPLE)
        if name in found:
            raise InputError("this class stands twice", key="classes", given=name)
        words: dict[str, str] = {}
        for word in re.split(r",(?![^(]*\))", rest):
            key, _, value = (piece.strip() for piece in word.partition("="))
            if re.fullmatch(r"p\d+(\.\d+)?", key) and not value:
                key, value = "percentile", key
            if key not in _KEYS or not value:
                raise InputError(
                    "not a word of a class", key="classes", given=word.strip(), allowed=_KEYS,
                    nearest=nearest(key, _KEYS),
                )  # fmt: skip
            if key in words:
                raise InputError("given twice", key="classes", given=word.strip(), allowed="each word once")
            words[key] = value
        found[name] = words
    if not found:
        raise InputError("no class", key="classes", given=text, allowed=_EXAMPLE)
    return found


def _shares(classes: Mapping[str, Mapping[str, str]]) -> tuple[list[float], float | None]:
    """(share of each class, requests a second of all where they are known): by shares, or by own rates."""
    shared = ["share" in words for words in classes.values()]
    stated = ["rate" in words for words in classes.values()]
    if all(shared) and not any(stated):
        shares = [_number("share", words["share"]) for words in classes.values()]
        if abs(sum(shares) - 1.0) > 1e-6:
            raise InputError(
                "shares do not add up", key="classes", given=f"{sum(shares):.6g}", allowed="100 % in all"
            )
        return shares, None
    if all(stated) and not any(shared):
        try:
            rates = [read_rate(words["rate"]) for words in classes.values()]
        except InputError as error:
            error.key = "classes"
            raise
        return [one / sum(rates) for one in rates], sum(rates)
    raise InputError(
        "classes have rates or shares", key="classes", allowed="share=… of each, or rate=… of each"
    )


def _number(key: str, text: str) -> float:
    try:
        value = parse(text, "1", example="20 %")
    except InputError as error:
        raise error.at(key="classes") from None
    if not value > 0.0:
        raise InputError("not a share", key="classes", given=f"{key}={text}", allowed="more than 0")
    return value


def _objective(words: Mapping[str, str]) -> Objective | None:
    """The latency target of a class; None where it has none."""
    limits = [f"{key}={words[key]}" for key in ("ttft", "tpot", "e2e") if key in words]
    percent = [words["percentile"]] if "percentile" in words else []
    if "objective" in words:
        if limits or percent:
            raise InputError(
                "the latency target stands twice", key="classes", given=(limits + percent)[0],
                allowed=f"it or objective={words['objective']}",
            )  # fmt: skip
        limits = [words["objective"]]
    if not limits:
        if percent:
            raise InputError(
                "a percentile of no limit", key="classes", given=percent[0], allowed="ttft=1s, p99"
            )
        return None
    try:
        return read_objective(",".join(limits + percent))
    except InputError as error:
        error.key = "classes"
        raise


def refuse_beside_classes(given: Mapping[str, object]) -> None:
    """Raise ``InputError`` of a word that is ``given`` beside classes, which have it each for itself."""
    for key, value in given.items():
        if value is not None:
            raise InputError("cannot be combined with classes", key=key, given=value,
                             allowed="--classes with it in the words of each class")  # fmt: skip


def read_classes(text: str, assumed: AssumptionList, *, limit: int | None) -> MixedTraffic:
    """The traffic of classes in words.

    Parameters
    ----------
    text : str
        As of :func:`class_words`.
    assumed : AssumptionList
        Collects the assumed lengths and arrivals.
    limit : int, optional
        Tokens that the model's context has room for.

    Raises
    ------
    InputError
        What :func:`class_words` refuses; shares and rates that do not go together, a priority or lengths that
        cannot be read, sessions.
    """
    classes = class_words(text)
    shares, total = _shares(classes)
    found: list[RequestClass] = []
    for (name, words), share in zip(classes.items(), shares, strict=True):
        text = words.get("priority", "0")
        if not text.isdecimal():
            raise InputError(
                "not a priority", key="classes", given=text, allowed="0, the most urgent, or more"
            )
        lengths = {key: words.get(key) for key in _LENGTHS}
        variation = lengths.pop("variation")
        try:
            traffic = read_traffic(
                assumed, **lengths, limit=limit, beside=0,
                variation=None if variation is None else _number("variation", variation),
            )  # fmt: skip
        except InputError as error:
            error.key = f"classes.{name}.{error.key}" if error.key else "classes"
            raise
        target = _objective(words)
        if target is not None and target.percentile is None:
            asked = assumed.default("serving.percentile").text("text")
            target = replace(target, percentile=read_objective(f"ttft=1s,{asked}").percentile)
        found.append(RequestClass(name, share, traffic, target, int(text)))
    mixed = MixedTraffic(" + ".join(classes), _NONE, "trace", classes=tuple(found), rate=total)
    return replace(mixed, sample=mixed.mixed(rate=total or 1.0, count=_SAMPLE).requests)
