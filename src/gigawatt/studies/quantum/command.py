"""``gigawatt quantum``: molecules, small optimisations, fault-tolerant resources and break-even."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gigawatt.faces.terminal.answer import give
from gigawatt.faces.terminal.options import Json, Quiet, option

__all__ = ["break_even_command", "optimise_command", "resources_command", "vqe_command"]

_ARGUMENTS = {name: name.upper() for name in ("molecule", "piece", "algorithm")}

OutputFolder = Annotated[Path | None, option("Folder for quantum.html, .md and .json.")]


def vqe_command(
    molecule: Annotated[str, typer.Argument(help="h2, lih, h4 or beh2.")] = "h2",
    bond: Annotated[float | None, option("Distance of neighbours in ångström (1e-10 m).")] = None,
    ansatz: Annotated[str, typer.Option(help="uccsd, hardware-efficient or adapt.")] = "uccsd",
    optimiser: Annotated[
        str, typer.Option(help="bfgs, shift, cobyla, nelder-mead, spsa or rotosolve.")
    ] = "bfgs",
    layers: Annotated[int, typer.Option(help="Of a hardware-efficient circuit.")] = 2,
    iterations: Annotated[int, typer.Option(help="At most.")] = 200,
    shots: Annotated[int, typer.Option(help="Of each energy the optimiser sees; 0: exact.")] = 0,
    seed: Annotated[int, typer.Option(help="Of what is drawn.")] = 0,
    noise: Annotated[bool, typer.Option("--noise", help="Error of the energy over that of a gate.")] = False,
    output: OutputFolder = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Ground-state energy of a molecule by the variational eigensolver, beside the exact one."""
    from gigawatt.studies.quantum.door import quantum_vqe

    give(
        lambda report: quantum_vqe(
            molecule, bond=bond, ansatz=ansatz, optimiser=optimiser, layers=layers, iterations=iterations,
            shots=shots, seed=seed, noise=noise, published=output is not None,
        ),
        vqe_command, output=output, json=json, quiet=quiet,
        renamed={**_ARGUMENTS, "qubits": "--noise"},
    )  # fmt: skip


def optimise_command(
    piece: Annotated[str, typer.Argument(help="pipeline or bits.")] = "pipeline",
    depth: Annotated[int, typer.Option(help="Layers of QAOA, 1 to 20.")] = 3,
    model: Annotated[str, typer.Option(help="Of pipeline: whose layers.")] = "llama-3.1-8b",
    stages: Annotated[int, typer.Option(help="Of pipeline.")] = 4,
    window: Annotated[int, typer.Option(help="Of pipeline: places tried for each cut.")] = 5,
    mean_bits: Annotated[float, typer.Option(help="Of bits: mean width of a weight, 2 to 5.")] = 3.5,
    machine: Annotated[str, typer.Option(help="superconducting or trapped-ion.")] = "superconducting",
    output: OutputFolder = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """A piece of model development on up to 16 qubits, beside the best classical solver."""
    from gigawatt.studies.quantum.door import quantum_optimise

    give(
        lambda report: quantum_optimise(
            piece, depth=depth, model=model, stages=stages, window=window, mean_bits=mean_bits,
            machine=machine, published=output is not None,
        ),
        optimise_command, output=output, json=json, quiet=quiet,
        renamed={**_ARGUMENTS, "bits": "--mean-bits"},
    )  # fmt: skip


def resources_command(
    algorithm: Annotated[
        str,
        typer.Argument(
            help="rsa, a row of quantum_algorithms, a molecule, or custom with --qubits, --toffolis."
        ),
    ] = "rsa",
    qubits: Annotated[float | None, option("Logical, of custom.")] = None,
    toffolis: Annotated[float | None, option("Of custom.")] = None,
    bits: Annotated[int, typer.Option(help="Of rsa.")] = 2048,
    error: Annotated[float, typer.Option(help="Of a physical gate.")] = 1e-3,
    cycle: Annotated[float, typer.Option(help="Of a round of checks, microseconds.")] = 1.0,
    reaction: Annotated[float, typer.Option(help="Of classical control, microseconds.")] = 10.0,
    budget: Annotated[float, typer.Option(help="Chance that a run fails, at most.")] = 0.1,
    factories: Annotated[int, typer.Option(help="Magic-state factories side by side.")] = 4,
    qdk: Annotated[bool, typer.Option("--qdk", help="Ask the estimator qdk too (extra quantum).")] = False,
    output: OutputFolder = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Physical qubits and time of a fault-tolerant computation, with the power that they would draw."""
    from gigawatt.studies.quantum.door import quantum_resources

    give(
        lambda report: quantum_resources(
            algorithm, qubits=qubits, toffolis=toffolis, bits=bits, error=error, cycle=cycle,
            reaction=reaction, budget=budget, factories=factories, qdk=qdk, published=output is not None,
        ),
        resources_command, output=output, json=json, quiet=quiet,
        renamed=_ARGUMENTS,
    )  # fmt: skip


def break_even_command(
    problem: Annotated[str, typer.Argument(help="chemistry, search, pipeline or llm.")] = "chemistry",
    algorithm: Annotated[str, typer.Option(help="Of chemistry: a row of quantum_algorithms.")] = "femoco-lee",
    weights: Annotated[float, typer.Option(help="Of llm: weights of the model.")] = 8e9,
    machine: Annotated[str, typer.Option(help="superconducting or trapped-ion.")] = "superconducting",
    output: OutputFolder = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Joules and dollars of a quantum run beside those of the classical way to the same answer."""
    from gigawatt.studies.quantum.door import quantum_break_even

    give(
        lambda report: quantum_break_even(
            problem, algorithm=algorithm, weights=weights, machine=machine,
            published=output is not None,
        ),
        break_even_command, output=output, json=json, quiet=quiet,
        renamed={"problem": "PROBLEM"},
    )  # fmt: skip
