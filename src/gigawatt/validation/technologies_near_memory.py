"""Checks of NorthPole: cards, rate, latency and joules of a token."""

from __future__ import annotations

from gigawatt import catalog
from gigawatt.catalog.loader import Entity, entity, source
from gigawatt.technology.near_memory.cards import pipeline
from gigawatt.technology.rollup import token_cost
from gigawatt.technology.substrate import Substrate
from gigawatt.validation.supply_check import Check
from gigawatt.workload import read_architecture
from gigawatt.workload.architecture import Architecture

__all__ = ["checks"]

USERS, CONTEXT_3B, CONTEXT_8B = 28.0, 1024.0, 2048.0
NORTHPOLE = Substrate(
    "northpole",
    "NorthPole",
    "near_memory",
    {"machine": "northpole", "weights": "int4", "activations": "int8", "cache": "int8"},
)


def _model(name: str) -> Architecture:
    row = entity("technologies_models", name)
    return read_architecture(catalog.path(f"technologies/{row.text('file')}"))


def _check(
    what: str, ours: float, row: Entity, quantity: str, unit: str, tolerance: float, fitted: bool = False
) -> Check:
    number = row.evidence(quantity)
    return Check(
        "near memory", what, ours, number.value, unit, tolerance, source(number.source_id).title, fitted
    )


def checks() -> list[Check]:
    """Published figures of NorthPole.

    The fixed time of a stage is fitted to the rate of the 3B model, and the bits of the output layer to its
    two cards (recalled), so that rate, latency and cards of that model judge nothing. The constant power of a
    card comes from ResNet-50 (recalled) with the middle of what its traffic can be; within the bounds of that
    traffic a token takes 12 to 32 mJ.
    """
    small, large = _model("northpole-3b"), _model("granite-3.3-8b")
    three = pipeline(NORTHPOLE, small, batch=USERS, context=CONTEXT_3B)
    eight = pipeline(NORTHPOLE, large, batch=USERS, context=CONTEXT_8B)
    token = token_cost(NORTHPOLE, small, batch=USERS, context=CONTEXT_3B)
    machine, own = entity("near_memory", "northpole"), entity("technologies_checks", "northpole")
    rack = 18.0 * machine.value("cards_of_a_host")
    peak = machine.value("cores") * machine.value("operations") * 2.0 * machine.value("clock")

    def published(name: str) -> Entity:
        return entity("technologies_published", name)

    joules = token.joules("chip")
    return [
        _check("J a token of the 3B model, cards", joules, published("northpole-token"), "value", "J", 0.15),
        _check(
            "Tokens a second", three.rate, published("northpole-throughput"), "value", "token/s", 0.02, True
        ),
        _check("Seconds a token of one user, at most", three.latency, published("northpole-latency"), "value",
               "s", 0.05, True),
        _check("Cards of the 3B model", float(three.cards), own, "cards_3b", "", 0.0, True),
        _check("3B models in a rack", rack // three.cards, own, "instances_3b", "", 0.0, True),
        _check("8B models in a rack", rack // eight.cards, own, "instances_8b", "", 0.0),
        _check("Seconds a token of the 8B model", eight.latency, published("northpole-rack-latency"), "value",
               "s", 0.15),
        _check("4-bit peak of a card", peak, own, "peak_4", "FLOP/s", 0.01, True),
    ]  # fmt: skip
