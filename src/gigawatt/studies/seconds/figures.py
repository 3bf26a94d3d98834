"""Figures of a campus's power swings.

Each takes the document that ``gigawatt plan-seconds --json`` prints, and the series beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gigawatt.faces.figures.style import INK, NOT_SERVED, colour, empty, finish, safe

__all__ = ["FIGURES", "frequency_figure", "frontier_figure", "power_figure", "spectrum_figure"]

Answer = Mapping[str, Any]
Series = Mapping[str, Sequence[float]]

_TITLE = 30
_KILO = 1e3


def _line(figure: Any, x: Sequence[float], y: Sequence[float], name: str, hue: str, unit: str) -> None:
    figure.add_scatter(
        x=list(x), y=list(y), name=safe(name), mode="lines", line={"color": hue, "width": 1.6},
        hovertemplate=safe(name) + f" %{{y:,.4~g}} {unit} at %{{x:.4~g}}<extra></extra>",
    )  # fmt: skip


def power_figure(answer: Answer, series: Series) -> Any:
    """The load over time, without and with the store."""
    import plotly.graph_objects as go

    figure = go.Figure()
    _line(figure, series["time_s"], series["load_MW"], "load", INK, "MW")
    if answer["after"] is not None:
        _line(figure, series["time_s"], series["drawn_MW"], "behind the store", colour("battery"), "MW")
    finish(figure, title="Power", height=360, x="time [s]", y="power [MW]", legend=True)
    return figure


def spectrum_figure(answer: Answer, series: Series) -> Any:
    """Amplitude of every oscillation, with the limit."""
    import plotly.graph_objects as go

    if "frequency_Hz" not in series:
        return empty("Oscillations", "The series is too short or its step too coarse.")
    figure = go.Figure()
    x, least = series["frequency_Hz"], 1e-5 * answer["measures"]["peak_MW"]
    drawn = [("load", "load_amplitude_MW", INK)]
    if answer["after"] is not None:
        drawn.append(("behind the store", "drawn_amplitude_MW", colour("battery")))
    for name, key, hue in drawn:
        _line(figure, x, [max(value, least) for value in series[key]], name, hue, "MW")
    most = answer["limits"]["oscillation_MW"]
    if most is not None:
        low, high = answer["limits"]["band_Hz"]
        _line(figure, [low, high], [most, most], "limit", NOT_SERVED, "MW")
    finish(figure, title="Oscillations", height=360, x="frequency [Hz]", y="amplitude [MW]", legend=True)
    figure.update_xaxes(type="log")
    figure.update_yaxes(type="log")
    return figure


def frontier_figure(answer: Answer, series: Series) -> Any:
    """Store size against power floor, with the yearly cost of both."""
    from plotly.subplots import make_subplots

    points = answer["frontier"]
    if not points:
        return empty("Power floor or store", "The load meets the limits as it is, or no store meets them.")
    figure: Any = make_subplots(rows=1, cols=2, horizontal_spacing=0.15)
    for slow, dash in ((False, "solid"), (True, "dot")):
        mine = [point for point in points if point["slow_start_and_stop"] == slow]
        words = "with limited ramps at start and stop" if slow else "power floor alone"
        for place, (key, scale, axis, hue) in enumerate(
            (
                ("power_MW", 1.0, "store [MW]", colour("battery")),
                ("cost_USD_per_year", _KILO, "cost [k$/year]", colour("gas")),
            ),
            1,
        ):
            figure.add_scatter(
                x=[point["floor_MW"] for point in mine], y=[point[key] / scale for point in mine],
                name=words, showlegend=place == 1, mode="lines+markers", line={"color": hue, "dash": dash},
                hovertemplate=words + ", %{x:,.4~g} MW: %{y:,.4~g}<extra></extra>", row=1, col=place,
            )  # fmt: skip
            figure.update_yaxes(title={"text": axis, "standoff": 8}, rangemode="tozero", row=1, col=place)
            figure.update_xaxes(title={"text": "software power floor [MW]", "standoff": 8}, row=1, col=place)
    finish(figure, title="Power floor or store", height=360, legend=True)
    return figure


def frequency_figure(answer: Answer, series: Series) -> Any:
    """Frequency of the plants' bus, without and with a store."""
    import plotly.graph_objects as go

    if "deviation_Hz" not in series:
        return empty("Frequency", "No plants were given.")
    figure = go.Figure()
    _line(figure, series["time_s"], series["deviation_Hz"], "as it is", INK, "Hz")
    _line(
        figure,
        series["time_s"],
        series["deviation_behind_store_Hz"],
        "behind the store",
        colour("battery"),
        "Hz",
    )
    finish(figure, title="Frequency", height=340, x="time [s]", y="deviation [Hz]", legend=True)
    return figure


FIGURES: dict[str, tuple[Callable[[Answer, Series], Any], str]] = {
    "power": (
        power_figure,
        "The series, evenly sampled for the figure; the analysis uses every step.",
    ),
    "spectrum": (spectrum_figure, "Amplitude of a sine of each frequency (Welch, Hann windows)."),
    "frontier": (frontier_figure, "A higher floor consumes more energy and needs a smaller store."),
    "frequency": (frequency_figure, "Frequency of the plants' common bus, from the first value of the load."),
}
"""Figure → (the function, its caption)."""
