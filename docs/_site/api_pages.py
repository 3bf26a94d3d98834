"""The Python interface: what each room offers, in full, and where everything else stands."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

__all__ = ["ROOMS", "api_pages"]

#: Rooms in the order of the data, with what is told in full where a room's ``__init__`` offers nothing.
ROOMS: dict[str, tuple[str, ...]] = {
    "gigawatt": (),
    "core": (
        "errors.GigawattError",
        "errors.InputError",
        "evidence.Evidence",
        "quantities.parse",
        "graph.Graph",
        "result.Result",
        "answer.Answer",
        "document.Document",
        "study.Study",
    ),
    "catalog": (),
    "workload": (),
    "machine": (),
    "technology": (),
    "performance": (),
    "emulation": ("run.emulate", "models.load_model", "text.load_text"),
    "calibration": ("calibrate.Session",),
    "serving": (),
    "facility": (),
    "power": (),
    "money": (),
    "outlook": ("frame.Frame", "sketch.Sketch", "forecasts.growth.fit_growth", "priors.read_priors"),
    "schema": ("fields.Field", "scenario.read_scenario", "changed.scenario_with", "exports.as_json_schema"),
    "chain": ("asking.Asker", "training.plan.plan_training", "serving.plan.plan_serving"),
    "studies": (
        "training.door.plan_training",
        "serving.door.plan_serving",
        "supply.door.plan_supply",
        "pathway.door.plan_pathway",
        "sweep.door.sweep",
        "solve.door.solve",
        "codesign.door.codesign",
        "compare.door.compare",
        "outlook.door.draw_outlook",
        "validate.door.validate",
    ),
    "validation": (),
    "faces": (),
}


def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def offered(tree: ast.Module) -> list[str]:
    """What stands in ``__all__``."""
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
            return list(ast.literal_eval(node.value))  # type: ignore[attr-defined]
    return []


def _home(source: Path, room: str, name: str) -> str | None:
    """The dotted path at which a name that a room's ``__init__`` offers is defined."""
    tree = _tree(source / room / "__init__.py")
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and any((a.asname or a.name) == name for a in node.names):
            return f"{node.module}.{next(a.name for a in node.names if (a.asname or a.name) == name)}"
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
            return f"gigawatt.{room}.{name}"
    return None


def _first_line(node: ast.AST) -> str:
    text = ast.get_docstring(node) or ""  # type: ignore[arg-type]
    line = " ".join(text.split("\n\n")[0].split())
    return line.replace("``", "`").replace("|", "\\|").replace("<", "&lt;").replace("[", "\\[")


def _modules(source: Path, room: str) -> Iterator[str]:
    """A section a module: its first line and what it offers."""
    for file in sorted((source / room).rglob("*.py")):
        tree = _tree(file)
        names = offered(tree)
        if not names or file.name == "__init__.py":
            continue
        dotted = "gigawatt." + ".".join(file.relative_to(source).with_suffix("").parts)
        yield f"### `{dotted}`\n\n{_first_line(tree)}\n"
        defined = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        yield (
            "| name | what |\n|---|---|\n"
            + "\n".join(
                f"| `{name}` | {_first_line(defined[name]) if name in defined else ''} |" for name in names
            )
            + "\n"
        )


def _room(source: Path, room: str) -> str:
    if room == "gigawatt":
        full = ["gigawatt.load", "gigawatt.chain.study.Study", "gigawatt.core.result.Result"]
    elif (source / f"{room}.py").is_file():
        full = [f"gigawatt.{room}.{name}" for name in offered(_tree(source / f"{room}.py"))]
    else:
        tree = _tree(source / room / "__init__.py")
        homes = [_home(source, room, name) for name in offered(tree)]
        full = [home for home in homes if home] + [f"gigawatt.{room}.{name}" for name in ROOMS[room]]
    home = source / room / "__init__.py" if (source / room).is_dir() else source / f"{room}.py"
    if room == "gigawatt":
        home = source / "__init__.py"
    lines = [f"# {room}", "", _first_line(_tree(home)), "", "## Interface", ""]
    for name in full:
        members = "null" if name.rsplit(".", 1)[1][0].isupper() else "false"
        lines += [
            f"::: {name}", "    options:", f"      members: {members}", '      filters: ["!^_"]',
            "      inherited_members: false", "",
        ]  # fmt: skip
    if (source / room).is_dir():
        lines += ["## Module by module", "", *_modules(source, room)]
    return "\n".join(lines)


def _index(source: Path) -> str:
    lines = [
        "# Python", "",
        "Packages import downward only: a package may use those above it in this list. Internal values are "
        "SI floats: W, J, s, B (bytes), FLOP, kg, m³, $ of the catalog's currency year. Every function takes "
        "keyword arguments and broadcasts over numpy arrays where its docstring gives shapes.", "",
        "```python", "import gigawatt", "",
        'result = gigawatt.load("examples/gpt3-175b-a100.yaml").run()',
        'print(result["training.step_time"])', "```", "",
        "| package | contents |", "|---|---|",
    ]  # fmt: skip
    for room in ROOMS:
        home = source / room / "__init__.py" if (source / room).is_dir() else source / f"{room}.py"
        home = source / "__init__.py" if room == "gigawatt" else home
        lines.append(f"| [{room}]({room}.md) | {_first_line(_tree(home))} |")
    return "\n".join([*lines, ""])


def api_pages(source: Path) -> Mapping[str, Callable[[], str]]:
    """Path of a page → what makes it."""
    return {
        "reference/api/index.md": lambda: _index(source),
        **{f"reference/api/{room}.md": (lambda room=room: _room(source, room)) for room in ROOMS},
    }
