"""Figures of the 2030s and the 2040s: shares with bands, expectations, what would have to be true."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from gigawatt.faces.figures.readable import significant
from gigawatt.faces.figures.style import finish, safe, translucent

__all__ = ["FIGURES", "GROUPS", "expected", "share_text", "shares", "wanted_rows"]

GROUPS: Mapping[str, tuple[str, ...]] = {
    "Power: share of AI's electricity": (
        "solar_share", "wind_share", "storage_share", "fission_large_share", "advanced_fission_share",
        "fusion_share", "space_solar_share",
    ),
    "Compute: share of new AI compute": ("analog_share", "photonic_share", "neuromorphic_share"),
    "Packages: share of new AI machines": (
        "stacked_memory_share", "chiplets_share", "optical_links_share", "stacked_logic_share",
    ),
}  # fmt: skip
"""Title → outputs that are drawn together."""

_HUES = ("#e69f00", "#0072b2", "#009e73", "#d55e00", "#cc79a7", "#6a51a3", "#56b4e9")


def share_text(share: float) -> str:
    """A share in percent as a person reads it: 0, <0.1 %, 2.3 %, 47 %."""
    if share <= 0.0:
        return "0"
    if share < 0.001:
        return "<0.1 %"
    return f"{100.0 * share:.1f} %" if share < 0.1 else f"{100.0 * share:.0f} %"


def shares(answer: Mapping[str, Any], title: str, names: Sequence[str]) -> Any:
    """Medians of several shares by year with their 5 to 95 % bands."""
    import plotly.graph_objects as go

    figure: Any = go.Figure()
    years, place = answer["years"], {q: i for i, q in enumerate(answer["quantiles"])}
    for hue, name in zip(_HUES, names, strict=False):
        row = answer["bands"][name]
        low, middle, high = (
            [100.0 * values[place[q]] for values in row["values"]] for q in (0.05, 0.5, 0.95)
        )
        words = safe(row["words"].split(":")[0], 40)
        figure.add_scatter(
            x=[*years, *reversed(years)], y=[*high, *reversed(low)], fill="toself", hoverinfo="skip",
            fillcolor=translucent(hue, 0.12), line={"width": 0}, showlegend=False, legendgroup=name,
        )  # fmt: skip
        figure.add_scatter(
            x=years, y=middle, mode="lines", name=words, line={"color": hue, "width": 2}, legendgroup=name,
            customdata=list(zip(low, high, strict=True)),
            hovertemplate=f"{words}, %{{x}}: %{{y:.2g}} % (%{{customdata[0]:.2g}} to %{{customdata[1]:.2g}})"
            "<extra></extra>",
        )  # fmt: skip
    figure.update_yaxes(range=[0, 100])
    return finish(figure, title=safe(title, 80), height=380, y="median, with 5 to 95 % [%]", legend=True)


_BANDS = "Medians, and bands of 5 to 95 % of the draws."

FIGURES: Mapping[str, tuple[Callable[[Mapping[str, Any]], Any], str]] = {
    f"adoption_{title.partition(':')[0].lower()}": (partial(shares, title=title, names=names), _BANDS)
    for title, names in GROUPS.items()
}
"""Figure → (the function of the outlook's JSON, its caption)."""


def expected(decade: str, told: Mapping[str, Any]) -> Any:
    """Share of draws in which each expectation of a decade comes true."""
    import plotly.graph_objects as go

    rows = list(reversed(told["expectations"]))
    figure: Any = go.Figure()
    figure.add_bar(
        y=[safe(row["words"], 70) for row in rows],
        x=[100.0 * row["share"] for row in rows],
        orientation="h",
        marker={
            "color": ["#8c929a" if row["speaks"] == "proxy" else "#0072b2" for row in rows],
            "line": {"width": 0},
        },
        customdata=[safe(row["definition"], 160) for row in rows],
        hovertemplate="%{x:.1f} %: %{customdata}<extra></extra>",
    )
    figure.update_xaxes(range=[0, 100])
    return finish(
        figure,
        title=safe(f"Expectations of the {decade}", 80),
        height=110 + 34 * len(rows),
        x="share of draws in which it comes true [%] (grey: by a proxy)",
    )


def _number(row: Mapping[str, Any], key: str) -> str:
    if row["mean"]:
        return share_text(row[key])
    return f"{significant(row[key])}{' ' + row['unit'] if row['unit'] else ''}"


def wanted_rows(told: Mapping[str, Any]) -> list[list[str]]:
    """Cells of what would have to be true: technology, share of draws in which it is big, quantity, median
    where it is big, median where it is not, lift."""
    rows: list[list[str]] = []
    for one in told["technologies"]:
        name = f"{one['name']}, ≥ {share_text(one['big_from'])}"
        if not one["wanted"]:
            rows.append([name, share_text(one["big"]), "too few draws on one side to compare", "", "", ""])
        for i, row in enumerate(one["wanted"]):
            head = [name, share_text(one["big"])] if i == 0 else ["", ""]
            rows.append(
                [*head, f"{row['words']} ({row['quantity']})", _number(row, "big"), _number(row, "other"),
                 f"{row['lift']:.2f}"]
            )  # fmt: skip
    return rows
