"""``gigawatt quantum``: molecules, small optimisations, fault-tolerant resources and break-even."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gigawatt.core.errors import InputError
from gigawatt.faces.terminal.console import console, number, print_json, progress, table
from gigawatt.faces.terminal.options import flagged
from gigawatt.faces.terminal.typed import typed

__all__ = ["quantum_app"]

quantum_app = typer.Typer(
    help="Quantum computing, honestly: what it answers, what it takes, beside the classical way.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_ARGUMENTS = {name: name.upper() for name in ("molecule", "piece", "algorithm")}

JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON alone on standard output.")]
QuietFlag = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no summary.")]
OutputFolder = Annotated[
    Path | None, typer.Option(help="Folder for quantum.html, .md and .json.", show_default=False)
]


def _lines(title: str, rows: list[tuple[str, str]]) -> None:
    from rich.text import Text

    out = console()
    out.print(Text(title, style="bold"))
    grid = table(("", "left"), ("", "left"))
    grid.show_header = False
    for label, value in rows:
        grid.add_row(Text(label), Text(value))
    out.print(grid)


def _give(document: dict[str, Any], output: Path | None, *, as_json: bool, quiet: bool) -> bool:
    """Write and print what was asked for; whether a summary is still to be printed."""
    if output is not None:
        from gigawatt.core.store import write_files
        from gigawatt.faces.report.held import with_published
        from gigawatt.validation.technologies_quantum import beside

        write_files(output, with_published("quantum", document, typed(), beside(document)))
    if as_json:
        print_json(document)
    return not (as_json or quiet)


def _written(output: Path | None) -> None:
    if output is not None:
        said = f"Written: {output / 'quantum.html'}, quantum.md, quantum.json"
        console().print(said, markup=False)


def _writable(output: Path | None) -> None:
    if output is not None:
        from gigawatt.core.store import writable

        try:
            writable(output)
        except InputError as error:
            raise error.at(key="--output") from None


@quantum_app.command("vqe", epilog="Example: gigawatt quantum vqe lih --bond 1.6 --ansatz uccsd")
def vqe_command(
    molecule: Annotated[str, typer.Argument(help="h2, lih, h4 or beh2.")] = "h2",
    bond: Annotated[
        float | None, typer.Option(help="Distance of neighbours in ångström (1e-10 m).", show_default=False)
    ] = None,
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
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Ground-state energy of a molecule by the variational eigensolver, beside the exact one."""
    from gigawatt.studies.quantum.quantum import vqe_answer

    _writable(output)
    with progress(quiet=quiet or json) as report:
        report("Minimising", 0.1)
        document = flagged(
            lambda: vqe_answer(
                molecule.lower(), None if bond is None else bond * 1e-10, ansatz=ansatz, optimiser=optimiser,
                layers=layers, iterations=iterations, shots=shots, seed=seed, noisy=noise,
            ),
            vqe_command, {**_ARGUMENTS, "qubits": "--noise"},
        )  # fmt: skip
    if not _give(document, output, as_json=json, quiet=quiet):
        return
    rows = [
        ("energy", f"{document['energy']:.8f} Ha, {document['error'] * 1e3:+.4f} mHa from exact"),
        ("exact, mean field", f"{document['exact']:.8f}, {document['hartree_fock']:.8f} Ha"),
        ("circuit", f"{document['qubits']} qubits, {document['parameters']} angles, "
                    f"{document['two_qubit_gates']} two-qubit gates compiled plainly"),
        ("energies asked for", f"{document['evaluations']:,}"),
        ("to read it to 1.6 mHa", f"{document['shots']['shots']:,.0f} shots in {document['shots']['groups']} "
                                  "settings"),
        ("integrals", document["source"]),
    ]  # fmt: skip
    for one in document["noise"]:
        words = f"{one['raw'] * 1e3:+.3g} mHa, extrapolated {one['mitigated'] * 1e3:+.3g} mHa"
        rows.append((f"gate error {one['gate_error']:g}", words))
    _lines(f"{document['name']}, {document['ansatz']}, {document['optimiser']}", rows)
    _written(output)


@quantum_app.command("optimise", epilog="Example: gigawatt quantum optimise pipeline --model deepseek-v3")
def optimise_command(
    piece: Annotated[str, typer.Argument(help="pipeline or bits.")] = "pipeline",
    depth: Annotated[int, typer.Option(help="Layers of QAOA, 1 to 20.")] = 3,
    model: Annotated[str, typer.Option(help="Of pipeline: whose layers.")] = "llama-3.1-8b",
    stages: Annotated[int, typer.Option(help="Of pipeline.")] = 4,
    window: Annotated[int, typer.Option(help="Of pipeline: places tried for each cut.")] = 5,
    mean_bits: Annotated[float, typer.Option(help="Of bits: mean width of a weight, 2 to 5.")] = 3.5,
    machine: Annotated[str, typer.Option(help="superconducting or trapped-ion.")] = "superconducting",
    output: OutputFolder = None,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """A piece of model development on up to 16 qubits, beside the best classical solver."""
    from gigawatt.studies.quantum.quantum import optimise_answer

    _writable(output)
    with progress(quiet=quiet or json) as report:
        report("Minimising angles", 0.1)
        document = flagged(
            lambda: optimise_answer(
                piece, depth=depth, model=model, stages=stages, window=window, mean_bits=mean_bits,
                machine=machine,
            ),
            optimise_command, {**_ARGUMENTS, "bits": "--mean-bits"},
        )  # fmt: skip
    if not _give(document, output, as_json=json, quiet=quiet):
        return
    rows = [
        ("qubits, combinations", f"{document['qubits']}, {document['combinations']:,}"),
        ("best", f"{number(document['best'])} {document['unit']}"),
        ("best that the machine can hold", f"{number(document['best_of_machine'])}: "
                                           f"{document['answer_of_machine']}"),
    ]  # fmt: skip
    for one in document["classical"]:
        words = f"{number(one['value'])} in {one['seconds'] * 1e3:.2g} ms, {one['joules'] * 1e3:.2g} mJ"
        rows.append((one["method"], words))
    for one in document["quantum"]:
        words = (
            f"optimum with {one['optimum']:.3g} (even draw {one['even']:.2g}), ratio {one['ratio']:.3f} "
            f"(even {one['ratio_of_an_even_draw']:.3f}), {one['gates']:.0f} gates, "
            f"{_seconds(one['seconds'])}, {number(one['joules'] or 0.0)} J with its angles"
        )
        rows.append((f"QAOA, {one['depth']} layers", words))
    _lines(document["choice"], rows)
    _written(output)


def _seconds(value: float | None) -> str:
    if value is None:
        return "for ever"
    for name, unit in (("years", 8760 * 3600.0), ("days", 86400.0), ("h", 3600.0), ("s", 1.0)):
        if value >= unit:
            return f"{number(value / unit)} {name}"
    return f"{value * 1e3:.3g} ms"


@quantum_app.command("resources", epilog="Example: gigawatt quantum resources p450 --error 5e-4")
def resources_command(
    algorithm: Annotated[
        str,
        typer.Argument(
            help="rsa, a row of quantum_algorithms, a molecule, or custom with --qubits, --toffolis."
        ),
    ] = "rsa",
    qubits: Annotated[float | None, typer.Option(help="Logical, of custom.", show_default=False)] = None,
    toffolis: Annotated[float | None, typer.Option(help="Of custom.", show_default=False)] = None,
    bits: Annotated[int, typer.Option(help="Of rsa.")] = 2048,
    error: Annotated[float, typer.Option(help="Of a physical gate.")] = 1e-3,
    cycle: Annotated[float, typer.Option(help="Of a round of checks, microseconds.")] = 1.0,
    reaction: Annotated[float, typer.Option(help="Of classical control, microseconds.")] = 10.0,
    budget: Annotated[float, typer.Option(help="Chance that a run fails, at most.")] = 0.1,
    factories: Annotated[int, typer.Option(help="Magic-state factories side by side.")] = 4,
    qdk: Annotated[bool, typer.Option("--qdk", help="Ask the estimator qdk too (extra quantum).")] = False,
    output: OutputFolder = None,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Physical qubits and time of a fault-tolerant computation, with the power that they would draw."""
    from gigawatt.studies.quantum.quantum import resources_answer

    _writable(output)
    document = flagged(
        lambda: resources_answer(
            algorithm, qubits=qubits, toffolis=toffolis, bits=bits, error=error, cycle=cycle * 1e-6,
            reaction=reaction * 1e-6, budget=budget, factories=factories, qdk=qdk,
        ),
        resources_command, _ARGUMENTS,
    )  # fmt: skip
    if not _give(document, output, as_json=json, quiet=quiet):
        return
    rows = [
        ("physical qubits", f"{document['physical_qubits']:,.0f}"),
        ("time", _seconds(document["seconds"])),
        ("distance, factories", f"{document['distance']}, {document['factories']}"),
        ("chance that a run fails", f"{document['failure']:.2g}"),
        ("power", _band([x / document["seconds"] for x in document["run"]["joules"]], "W")),
        ("energy", _band(document["run"]["joules"], "J")),
    ]
    rows += [
        (one["change"], f"{one['qubits']:,.0f} qubits, {one['days']:.2g} days") for one in document["ladder"]
    ]
    rows += [("qdk", f"{one['qubits']:,.0f} qubits, {_seconds(one['seconds'])}") for one in document["qdk"]]
    _lines(document["name"], rows)
    _written(output)


def _band(values: list[float], unit: str) -> str:
    from gigawatt.core.quantities import compact

    mid, low, high = (compact(float(x), unit, 3) for x in values)
    return f"{mid} ({low} to {high})"


@quantum_app.command("break-even", epilog="Example: gigawatt quantum break-even chemistry --algorithm p450")
def break_even_command(
    problem: Annotated[str, typer.Argument(help="chemistry, search, pipeline or llm.")] = "chemistry",
    algorithm: Annotated[str, typer.Option(help="Of chemistry: a row of quantum_algorithms.")] = "femoco-lee",
    weights: Annotated[float, typer.Option(help="Of llm: weights of the model.")] = 8e9,
    machine: Annotated[str, typer.Option(help="superconducting or trapped-ion.")] = "superconducting",
    output: OutputFolder = None,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Joules and dollars of a quantum run beside those of the classical way to the same answer."""
    from gigawatt.studies.quantum.quantum import break_even_answer

    _writable(output)
    document = flagged(
        lambda: break_even_answer(problem, machine=machine, algorithm=algorithm, weights=weights),
        break_even_command,
        {"problem": "PROBLEM"},
    )
    if not _give(document, output, as_json=json, quiet=quiet):
        return
    rows: list[tuple[str, str]] = []
    for side in (document["quantum"], document["classical"]):
        rows.append((side["what"], f"{_seconds(side['seconds'][0])}, {_band(side['joules'], 'J')}"))
        rows.append(("", f"{_band(side['dollars'], '$')}"))
    rows += [("joules, quantum over classical", " ".join(f"{x:.2g}" for x in document["joules"])),
             ("verdict", document["verdict"]), *(("", note) for note in document["notes"])]  # fmt: skip
    _lines(document["problem"], rows)
    _written(output)
