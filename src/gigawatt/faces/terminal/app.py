"""The entry point: commands, one-line errors, exit codes (0 done, 2 bad input, 130 interrupted)."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from gigawatt.core.errors import GigawattError
from gigawatt.faces.terminal.grouped import Grouped
from gigawatt.faces.terminal.typed import remember
from gigawatt.faces.terminal.web import EPILOG as WEB
from gigawatt.faces.terminal.web import web_command
from gigawatt.studies.calibrate.command import EXAMPLE, calibrate
from gigawatt.studies.chip.command import BUILD, LIST, build_command, list_command
from gigawatt.studies.codesign.command import EPILOG as CODESIGN
from gigawatt.studies.codesign.command import codesign_command
from gigawatt.studies.compare.command import EPILOG as COMPARE_SCENARIOS
from gigawatt.studies.compare.command import compare_command as compare_scenarios
from gigawatt.studies.emulate.command import EPILOG as EMULATE
from gigawatt.studies.emulate.command import emulate_command
from gigawatt.studies.memory.command import MEMORY, memory_command
from gigawatt.studies.outlook.command import EPILOG as OUTLOOK
from gigawatt.studies.outlook.command import outlook_command
from gigawatt.studies.pathway.command import EPILOG as PLAN_PATHWAY
from gigawatt.studies.pathway.command import plan_pathway_command
from gigawatt.studies.plant.command import EPILOG as PLANT
from gigawatt.studies.plant.command import plant_command
from gigawatt.studies.quantum.command import quantum_app
from gigawatt.studies.seconds.command import EPILOG as PLAN_SECONDS
from gigawatt.studies.seconds.command import plan_seconds_command
from gigawatt.studies.serving.command import EPILOG as PLAN_SERVING
from gigawatt.studies.serving.command import plan_serving_command
from gigawatt.studies.serving.simulate_command import EPILOG as SIMULATE_SERVING
from gigawatt.studies.serving.simulate_command import simulate_serving_command
from gigawatt.studies.solve.command import EPILOG as SOLVE
from gigawatt.studies.solve.command import solve_command
from gigawatt.studies.supply.command import EPILOG as PLAN_SUPPLY
from gigawatt.studies.supply.command import plan_supply_command
from gigawatt.studies.sweep.command import sweep_app
from gigawatt.studies.technologies.command import (
    AUDIT,
    COMPARE,
    NEEDS,
    STUDY,
    audit_command,
    compare_command,
    needs_command,
    study_command,
)
from gigawatt.studies.training.command import EPILOG, plan_training_command

__all__ = ["app", "main"]

# typer carries its own click in newer versions: the exception is found through what typer exports
_UsageError: type[Exception] = typer.BadParameter.__mro__[1]

_INTERRUPTED = 130
_MOST_NAMED = 200

app = typer.Typer(
    name="gigawatt",
    help="From silicon to power plant: what it takes to train or serve a language model, and what binds.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
catalog_app = typer.Typer(
    help="Look at the numbers: every row with its unit, range, grade and source.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(catalog_app, name="catalog")
technologies_app = typer.Typer(
    help="Compute technologies: what each costs a token, what it does to quality, what claims are worth.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(technologies_app, name="technologies")
technologies_app.command("compare", epilog=COMPARE)(compare_command)
technologies_app.command("audit", epilog=AUDIT)(audit_command)
technologies_app.command("needs", epilog=NEEDS)(needs_command)
technologies_app.command("study", epilog=STUDY)(study_command)
technologies_app.command("memory", epilog=MEMORY)(memory_command)
chip_app = typer.Typer(
    help="Chips from parts: dies, stacks of memory, links, package, cooling.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(chip_app, name="chip")
chip_app.command("build", epilog=BUILD)(build_command)
chip_app.command("list", epilog=LIST)(list_command)
app.add_typer(sweep_app, name="sweep")

app.add_typer(quantum_app, name="quantum")

JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON alone on standard output.")]
QuietFlag = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no summary.")]


@app.command(epilog="Example: gigawatt run examples/llama-3.1-405b-texas.yaml")
def run(
    scenario: Annotated[Path, typer.Argument(help="A scenario in YAML.", show_default=False)],
    out: Annotated[
        Path | None, typer.Option(help="Folder of the result; default results/<name of the scenario file>.")
    ] = None,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Run the whole chain on a scenario: a table here, one HTML report and data files in a folder."""
    from gigawatt.studies.run.command import run_command

    run_command(scenario, out, as_json=json, quiet=quiet)


@app.command(epilog="Example: gigawatt explain results/llama-3.1-405b-texas training.step_time")
def explain(
    result: Annotated[
        Path,
        typer.Argument(help="A folder that `gigawatt run` wrote, or a scenario file.", show_default=False),
    ],
    quantity: Annotated[
        str | None,
        typer.Argument(help="A dotted name; without it, all names are listed.", show_default=False),
    ] = None,
    depth: Annotated[int, typer.Option(min=0, help="How many levels of inputs to open.")] = 2,
    layout: Annotated[
        str | None,
        typer.Option(
            help="Of layouts.search or serving.plan: why not this layout, as tensor=8,pipeline=16.",
            show_default=False,
        ),
    ] = None,
    spread: Annotated[
        bool, typer.Option("--spread", help="The rows that the quantity's band comes from, largest first.")
    ] = False,
    json: JsonFlag = False,
) -> None:
    """Walk from a number to its formula, code, inputs and the rows of the catalog behind it."""
    from gigawatt.studies.explain.command import explain_command

    explain_command(result, quantity, depth, layout=layout, spread=spread, as_json=json)


@app.command(epilog="Example: gigawatt report results/llama-3.1-405b-texas --format md --out -")
def report(
    folder: Annotated[
        Path, typer.Argument(help="A folder of a result or of a study (--output).", show_default=False)
    ],
    format: Annotated[str, typer.Option(help="html, or md for Markdown.")] = "html",
    out: Annotated[
        str | None, typer.Option(help="Another file; - prints it. Without it, it lies in the folder.")
    ] = None,
    quiet: QuietFlag = False,
) -> None:
    """Make the report of a stored result or study anew, as one HTML page or as Markdown."""
    from gigawatt.studies.report.command import report_command

    report_command(folder, format, out, quiet=quiet)


_TABLES = "Which scorecard: training, kernels, memory, power, collectives, serving, supply, technologies."


@app.command(epilog="Example: gigawatt validate training --rows my_runs.csv --json")
def validate(
    table: Annotated[str, typer.Argument(help=_TABLES, show_default=False)],
    rows: Annotated[Path | None, typer.Option(help="Another file (or folder) of the same shape.")] = None,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Predictions beside measurements: error by group, beside a naive baseline."""
    from gigawatt.studies.validate.command import validate_command

    validate_command(table, rows, as_json=json, quiet=quiet)


app.command(epilog=EXAMPLE)(calibrate)
app.command("compare", epilog=COMPARE_SCENARIOS)(compare_scenarios)
app.command("plan-training", epilog=EPILOG, cls=Grouped)(plan_training_command)
app.command("plan-serving", epilog=PLAN_SERVING, cls=Grouped)(plan_serving_command)
app.command("plan-supply", epilog=PLAN_SUPPLY, cls=Grouped)(plan_supply_command)
app.command("simulate-serving", epilog=SIMULATE_SERVING, cls=Grouped)(simulate_serving_command)
app.command("plan-seconds", epilog=PLAN_SECONDS, cls=Grouped)(plan_seconds_command)
app.command("plant", epilog=PLANT)(plant_command)
app.command("plan-pathway", epilog=PLAN_PATHWAY, cls=Grouped)(plan_pathway_command)
app.command(epilog=EMULATE, name="emulate")(emulate_command)
app.command("solve", epilog=SOLVE, cls=Grouped)(solve_command)
app.command("codesign", epilog=CODESIGN, cls=Grouped)(codesign_command)
app.command("outlook", epilog=OUTLOOK)(outlook_command)
app.command("web", epilog=WEB)(web_command)


@catalog_app.command("list", epilog="Example: gigawatt catalog list chips")
def catalog_list(
    table: Annotated[
        str | None, typer.Argument(help="A table; without it, all tables.", show_default=False)
    ] = None,
    json: JsonFlag = False,
) -> None:
    """List the catalog's tables, or the entries of one."""
    from gigawatt.studies.catalog.command import list_command

    list_command(table, as_json=json)


@catalog_app.command("show", epilog="Example: gigawatt catalog show chips H100-SXM5-80GB")
def catalog_show(
    table: Annotated[str, typer.Argument(show_default=False)],
    entry: Annotated[str, typer.Argument(show_default=False)],
    json: JsonFlag = False,
) -> None:
    """Show every number of one entry with unit, range, grade and source."""
    from gigawatt.studies.catalog.command import show_command

    show_command(table, entry, as_json=json)


@app.command(epilog="Example: gigawatt schema > scenario.schema.json")
def schema(
    format: Annotated[str, typer.Option(help="json: JSON schema; markdown: the table of the docs.")] = "json",
) -> None:
    """Print every field of a scenario, as a JSON schema for editors or as a table."""
    from gigawatt.faces.terminal.schema import schema_command

    schema_command(format)


@app.command()
def doctor(json: JsonFlag = False) -> None:
    """Say what is installed, what is missing, and which feature needs it."""
    from gigawatt.faces.terminal.doctor import doctor_command

    doctor_command(as_json=json)


def _version(value: bool) -> None:
    if value:
        from gigawatt import __version__

        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _top(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; errors that a user can cause are one line on standard error and exit code 2."""
    remember(sys.argv[1:] if arguments is None else arguments)
    try:
        code = app(args=arguments, standalone_mode=False)
        if code == _INTERRUPTED:  # newer versions of typer catch it themselves
            raise KeyboardInterrupt
        sys.stdout.flush()
    except GigawattError as error:
        _say(f"gigawatt: {error}")
        sys.exit(error.exit_code)
    except _UsageError as error:
        text = getattr(error, "format_message", error.__str__)()
        if type(error).__name__ == "NoArgsIsHelpError":
            print(text)
            sys.exit(0)
        _say(f"gigawatt: {text}")
        sys.exit(2)
    except (KeyboardInterrupt, typer.Abort):
        _say("gigawatt: interrupted; nothing half-written was left")
        sys.exit(_INTERRUPTED)
    except BrokenPipeError:
        _drop_output()
        sys.exit(0)
    except OSError as error:  # what no room expected: a full disk, a name too long, a file gone meanwhile
        named = "" if error.filename is None else f": {str(error.filename)[:_MOST_NAMED]}"
        _say(f"gigawatt: {error.strerror or error}{named}")
        _drop_output()
        sys.exit(2)
    sys.exit(code if isinstance(code, int) else 0)


def _drop_output() -> None:
    """Send what is still to be printed nowhere, so that leaving does not fail over it."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say(text: str) -> None:
    print(" ".join(text.split()), file=sys.stderr)
