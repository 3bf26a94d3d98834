"""Classes of requests in words: a share or rate, lengths, latency target and priority of each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

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

__all__ = ["Mix", "class_words", "mix_of"]

_EXAMPLE = "such as 'chat: share=80%, ttft=1s, tpot=50ms, p99; batch: share=20%, prompt=4000, priority=1'"
_LENGTHS = ("trace", "prompt", "output", "arrivals", "variation", "shape")
_LIMITS = ("ttft", "tpot", "e2e", "objective")
_KEYS = ("share", "rate", "priority", *_LENGTHS, *_LIMITS, "percentile")


@dataclass(frozen=True)
class Mix:
    """Requests of several classes: ``requests`` (N,), of the class ``member`` (N,) each.

    ``names``, ``objectives`` and ``priorities`` of the classes; ``traffic`` is that of all together.
    """

    names: tuple[str, ...]
    objectives: tuple[Objective | None, ...]
    priorities: tuple[int, ...]
    requests: Requests
    member: NDArray[np.int64]
    traffic: Traffic


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


def _rates(classes: Mapping[str, Mapping[str, str]], rate: float | None) -> list[float]:
    """Requests a second of each class: of all by their shares, or as each says."""
    shared = ["share" in words for words in classes.values()]
    stated = ["rate" in words for words in classes.values()]
    if all(shared) and not any(stated):
        if rate is None:
            raise InputError(
                "classes by share need a rate of all", key="rate", allowed="--rate such as '20/s'"
            )
        shares = [_number("share", words["share"]) for words in classes.values()]
        if abs(sum(shares) - 1.0) > 1e-6:
            raise InputError(
                "shares do not add up", key="classes", given=f"{sum(shares):.6g}", allowed="100 % in all"
            )
        return [share * rate for share in shares]
    if all(stated) and not any(shared):
        if rate is not None:
            raise InputError(
                "each class has a rate", key="rate", given=f"{rate:g}/s", allowed="without --rate"
            )
        try:
            return [read_rate(words["rate"]) for words in classes.values()]
        except InputError as error:
            error.key = "classes"
            raise
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


def mix_of(
    classes: Mapping[str, Mapping[str, str]],
    assumed: AssumptionList,
    *,
    rate: float | None,
    count: int | None,
    span: float,
    most: int | None,
    limit: int | None,
    seed: int,
) -> Mix:
    """The requests of all classes.

    Parameters
    ----------
    classes
        Of :func:`class_words`.
    assumed : AssumptionList
        Collects the assumed lengths and arrivals.
    rate : float [1/s], optional
        Of all together, where classes have shares.
    count : int, optional
        Requests of all together.
    span : float [s]
        Without ``count``: the time whose requests are made.
    most : int, optional
        Most requests made for a ``span``.
    limit : int, optional
        Tokens that the model's context has room for.
    seed : int
        Of lengths and arrivals; each class draws its own.
    """
    rates = _rates(classes, rate)
    total = sum(rates)
    usual = max(round(total * span), 1)
    number = count or (usual if most is None else min(usual, most))
    parts, objectives, priorities = list[Requests](), list[Objective | None](), list[int]()
    for k, ((name, words), own) in enumerate(zip(classes.items(), rates, strict=True)):
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
        made = traffic.at(rate=own, count=max(round(number * own / total), 1), seed=seed + k)
        parts.append(Requests(
            made.arrival, made.prompt, made.output, np.full(len(made), int(text)), made.blocks,
            made.block_tokens, made.sessions,
        ))  # fmt: skip
        objectives.append(_objective(words))
        priorities.append(int(text))
    requests, member = merged(parts)
    return Mix(
        tuple(classes), tuple(objectives), tuple(priorities), requests, member,
        Traffic(" + ".join(classes), requests, "trace"),
    )  # fmt: skip
