"""Help of a command with many options: one section a group, in the order in which groups first appear."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand

__all__ = ["Grouped"]


class Grouped(TyperCommand):
    """A command whose options are listed by their ``rich_help_panel``, without the frames of rich."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write one section for each group."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for option in self.get_params(ctx):
            record = option.get_help_record(ctx)
            if record is not None:
                name = getattr(option, "rich_help_panel", None) or "Options"
                groups.setdefault(name, []).append(record)
        for name, records in groups.items():
            with formatter.section(name):
                formatter.write_dl(records)
