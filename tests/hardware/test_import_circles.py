"""No two files of the hardware room import one another, imports inside of functions counted."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[2] / "src"
FILES = {
    ".".join(file.relative_to(ROOT).with_suffix("").parts): file
    for file in (ROOT / "gigawatt" / "hardware").rglob("*.py")
    if file.name != "__init__.py"
}


def imports(file: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module, *(f"{node.module}.{one.name}" for one in node.names)}
    return names & set(FILES)


def test_files_of_the_room_import_one_way() -> None:
    graph = {name: imports(file) - {name} for name, file in FILES.items()}
    order = list(TopologicalSorter(graph).static_order())  # raises CycleError with the files of a circle
    assert len(order) == len(FILES) > 60
    loader, builder = (order.index(f"gigawatt.machine.{name}") for name in ("load", "build"))
    assert order.index("gigawatt.machine.chips") < builder < loader


def test_the_room_imports_no_file_relatively() -> None:
    for file in FILES.values():
        tree = ast.parse(file.read_text(encoding="utf-8"))
        assert not [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level], file
