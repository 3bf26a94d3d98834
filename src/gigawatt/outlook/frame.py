"""The frame: pure blocks over draws and years, composed by the names of their parameters.

A *block* takes arrays by name and gives arrays by name. An array has the shape (draws, years), or (draws, 1)
for what does not change with the years; blocks are written so that the two broadcast. What comes from
outside is a *leaf*: a drawn quantity (:mod:`gigawatt.outlook.priors`) or a table that other rooms computed
(:mod:`gigawatt.outlook.tables`). Two writers of a name, a cycle, an input that nobody makes, and a leaf or an
output that no step reads are errors, as in ``core.graph``.

To add to the outlook, write a function whose parameters are names that are there, decorate it with
``@BLOCKS.block("name [unit]", …)``, ``BLOCKS = Frame()`` being those of your module, and add the module and
what is to be reported to :mod:`gigawatt.outlook.model`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from gigawatt.core.errors import InputError

__all__ = ["FIRST", "LAST", "YEARS", "Block", "Frame", "FrameError", "year_index"]


FIRST, LAST = 2024, 2050
YEARS: tuple[int, ...] = tuple(range(FIRST, LAST + 1))
"""Years of the outlook: values are those of a year, stocks those of its end."""

_NAMED = re.compile(r"([a-z][a-z0-9_]*) \[([^\[\]]*)\]")


class FrameError(Exception):
    """The frame itself is wrong: two writers, a cycle, a missing input, something that nobody reads."""


@dataclass(frozen=True)
class Block:
    """One function: what it reads, what it gives, each with its SI unit, and what it says of itself."""

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    units: tuple[str, ...]
    function: Callable[..., Any] = field(repr=False)
    summary: str

    def __call__(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Outputs by name; a block of one output may return it bare."""
        made = self.function(*(values[name] for name in self.inputs))
        found: tuple[Any, ...] = cast("tuple[Any, ...]", made) if isinstance(made, tuple) else (made,)
        if len(found) != len(self.outputs):
            raise FrameError(f"{self.name} gives {len(found)} arrays for {len(self.outputs)} names")
        return dict(zip(self.outputs, found, strict=True))


@dataclass
class Frame:
    """Blocks by name and who writes what; made once at import, checked, then run chunk by chunk."""

    blocks: dict[str, Block] = field(default_factory=dict[str, Block])
    writers: dict[str, str] = field(default_factory=dict[str, str])
    units: dict[str, str] = field(default_factory=dict[str, str])

    def block(self, *outputs: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Register a pure function; its parameters are its inputs, ``outputs`` are ``"name [unit]"``."""
        named = [_NAMED.fullmatch(text) for text in outputs]
        if not named or not all(named):
            raise FrameError(f'outputs are written "name [unit]", not {outputs!r}')
        names = tuple(match[1] for match in named if match)
        units = tuple(match[2] for match in named if match)

        def register(function: Callable[..., Any]) -> Callable[..., Any]:
            doc = inspect.getdoc(function) or ""
            name = function.__name__
            if not doc:
                raise FrameError(f"{name} has no docstring")
            for output in names:
                if output in self.writers:
                    raise FrameError(f"two writers of {output}: {self.writers[output]} and {name}")
            if name in self.blocks:
                raise FrameError(f"two blocks are called {name}")
            inputs = tuple(inspect.signature(function).parameters)
            summary = " ".join(doc.partition("\n\n")[0].split())
            self.blocks[name] = Block(name, inputs, names, units, function, summary)
            self.writers.update(dict.fromkeys(names, name))
            self.units.update(zip(names, units, strict=True))
            return function

        return register

    @classmethod
    def joined(cls, parts: Iterable[Frame]) -> Frame:
        """One frame of the blocks of several.

        Raises
        ------
        FrameError
            Two parts write one name, or have a block of one name.
        """
        whole = cls()
        for part in parts:
            for block in part.blocks.values():
                for output in block.outputs:
                    if output in whole.writers:
                        raise FrameError(f"two writers of {output}: {whole.writers[output]} and {block.name}")
                if block.name in whole.blocks:
                    raise FrameError(f"two blocks are called {block.name}")
                whole.blocks[block.name] = block
                whole.writers.update(dict.fromkeys(block.outputs, block.name))
                whole.units.update(zip(block.outputs, block.units, strict=True))
        return whole

    def leaves(self) -> tuple[str, ...]:
        """Inputs that no block writes, in order of reading."""
        read = dict.fromkeys(name for block in self.blocks.values() for name in block.inputs)
        return tuple(name for name in read if name not in self.writers)

    def order(self, targets: Iterable[str] | None = None) -> list[Block]:
        """Blocks so that every input comes before its reader; with ``targets``, only those they need.

        Raises
        ------
        FrameError
            A cycle, or a target that no block writes.
        """
        done: dict[str, Block] = {}
        open_: set[str] = set()

        def visit(name: str) -> None:
            if name in done:
                return
            if name in open_:
                raise FrameError(f"a cycle runs through {name}")
            open_.add(name)
            for needed in self.blocks[name].inputs:
                if needed in self.writers:
                    visit(self.writers[needed])
            open_.discard(name)
            done[name] = self.blocks[name]

        for target in self.writers if targets is None else targets:
            if target not in self.writers:
                raise FrameError(f"no block writes {target}")
            visit(self.writers[target])
        return list(done.values())

    def check(self, leaves: Iterable[str], targets: Iterable[str]) -> None:
        """Raise ``FrameError`` on a missing input, a cycle, an unused leaf, or an output nobody reads."""
        given, wanted = set(leaves), set(targets)
        needed = set(self.leaves())
        for name in sorted(needed - given):
            reader = next(block.name for block in self.blocks.values() if name in block.inputs)
            raise FrameError(f"missing {name}, needed by {reader}")
        if given - needed:
            raise FrameError(f"nothing reads {', '.join(sorted(given - needed))}")
        clash = given & set(self.writers)
        if clash:
            raise FrameError(f"a leaf and a block both give {', '.join(sorted(clash))}")
        read = {name for block in self.blocks.values() for name in block.inputs} | wanted
        idle = [name for name in self.writers if name not in read]
        if idle:
            raise FrameError(f"nothing reads {', '.join(idle)}")
        self.order(wanted)

    def run(self, leaves: Mapping[str, Any], targets: Iterable[str]) -> dict[str, Any]:
        """Evaluate what ``targets`` need; arrays that nobody reads any more are let go on the way.

        Parameters
        ----------
        leaves : mapping
            Drawn quantities, each (draws, 1) or (draws, years), and tables.
        targets : names
            Outputs to return.

        Returns
        -------
        dict
            ``targets`` by name.

        Raises
        ------
        FrameError
            A target without a writer; a leaf that is missing.
        """
        wanted = list(targets)
        order = self.order(wanted)
        last = {name: i for i, block in enumerate(order) for name in block.inputs}
        values: dict[str, Any] = dict(leaves)
        for i, block in enumerate(order):
            missing = next((name for name in block.inputs if name not in values), None)
            if missing is not None:
                raise FrameError(f"missing {missing}, needed by {block.name}")
            values.update(block(values))
            for name in block.inputs:
                if last[name] == i and name not in wanted:
                    values.pop(name, None)
        return {name: values[name] for name in wanted}


def year_index(year: int) -> int:
    """The column of a year.

    Raises
    ------
    InputError
        A year outside the outlook.
    """
    if not FIRST <= year <= LAST or year != int(year):
        raise InputError("outside the outlook", key="year", given=year, allowed=f"{FIRST} to {LAST}")
    return int(year) - FIRST
