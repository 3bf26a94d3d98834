"""NorthPole: cards, rate, latency and joules of a token.

The fixed time of a stage is fitted to the rate of the 3B model, and the bits of the output layer to its two
cards (recalled), so that rate, latency and cards of that model judge nothing. The constant power of a card
comes from ResNet-50 (recalled) with the middle of what its traffic can be; within the bounds of that traffic
a token takes 12 to 32 mJ.
"""

from __future__ import annotations

from functools import lru_cache

from gigawatt import catalog
from gigawatt.catalog.loader import entity
from gigawatt.technology.near_memory.cards import Pipeline, pipeline
from gigawatt.technology.rollup import token_cost
from gigawatt.technology.substrate import Substrate
from gigawatt.workload import read_architecture
from gigawatt.workload.architecture import Architecture

__all__ = ["cards_of_a_rack", "peak", "pipeline_of", "token_joules"]

USERS = 28.0
_CONTEXT = {"northpole-3b": 1024.0, "granite-3.3-8b": 2048.0}
NORTHPOLE = Substrate(
    "northpole",
    "NorthPole",
    "near_memory",
    {"machine": "northpole", "weights": "int4", "activations": "int8", "cache": "int8"},
)


def _model(name: str) -> Architecture:
    row = entity("technologies_models", name)
    return read_architecture(catalog.path(f"technologies/{row.text('file')}"))


@lru_cache(maxsize=2)
def pipeline_of(name: str) -> Pipeline:
    """NorthPole's pipeline of a model, as it was published: 28 users and its own context."""
    return pipeline(NORTHPOLE, _model(name), batch=USERS, context=_CONTEXT[name])


def token_joules(name: str) -> float:
    """J that the cards take for a token of a model."""
    token = token_cost(NORTHPOLE, _model(name), batch=USERS, context=_CONTEXT[name])
    return token.joules("chip")


def cards_of_a_rack() -> float:
    """Cards of a rack of 18 hosts."""
    return 18.0 * entity("near_memory", "northpole").value("cards_of_a_host")


def peak() -> float:
    """4-bit peak of a card, FLOP/s."""
    machine = entity("near_memory", "northpole")
    return machine.value("cores") * machine.value("operations") * 2.0 * machine.value("clock")
