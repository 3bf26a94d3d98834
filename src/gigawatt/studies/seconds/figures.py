"""Figures of a campus's power swings.

Each takes the document that ``gigawatt plan-seconds --json`` prints, and the series beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gigawatt.faces.figures.style import INK, NOT_SERVED, colour, empty, finish, safe

__all__ = [
    "FIGURES",
    "event_figure",
    "flexibility_figure",
    "frequency_figure",
    "frontier_figure",
    "power_figure",
    "quality_figure",
    "ride_figure",
    "shown",
    "spectrum_figure",
]

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


_SHORTEST, _LONGEST = 1e-3, 1e4
"""s: ends of the figure of curves."""


def _edge(curve: Sequence[Mapping[str, Any]], *, over: bool) -> tuple[list[float], list[float]]:
    """(s, share of the rated voltage) along which a curve ends, below or above the rated voltage."""
    bands = [one for one in curve if one["duration_s"] is not None]
    side = [one for one in bands if (one["least"] >= 1.0 if over else (one["most"] or 2.0) <= 1.0)]
    if not side:
        return [], []
    side.sort(key=lambda one: one["least"], reverse=over)
    steady = [one for one in curve if one["duration_s"] is None]
    end = (max(one["most"] or 2.0 for one in steady) if over else min(one["least"] for one in steady)) \
        if steady else (1.1 if over else 0.9)  # fmt: skip
    x, y, now = [], [], _SHORTEST
    for one in side:
        level = (one["most"] if one["most"] is not None else 1.3) if over else one["least"]
        x += [now, max(one["duration_s"], _SHORTEST)]
        y += [level, level]
        now = max(one["duration_s"], _SHORTEST)
    return [*x, now, _LONGEST], [*y, end, end]


def ride_figure(answer: Answer, series: Series) -> Any:
    """The code's curve of the voltage, where the load leaves the grid, and the dips of the event."""
    import plotly.graph_objects as go

    ride = answer["ride_through"]
    if ride is None:
        return empty("Ride-through", "An island has no grid code.")
    figure = go.Figure()
    for name, curve, hue, dash in (
        ("has to be ridden through", ride["curve"], INK, "solid"),
        ("the load leaves beyond", ride["own_curve"], NOT_SERVED, "dot"),
    ):
        for over in (False, True):
            x, y = _edge(curve, over=over)
            if x:
                figure.add_scatter(
                    x=x, y=y, name=safe(name), mode="lines", showlegend=not over, legendgroup=name,
                    line={"color": hue, "width": 1.8, "dash": dash},
                    hovertemplate=safe(name) + ": %{y:.3~g} p.u. at %{x:.3~g} s<extra></extra>",
                )  # fmt: skip
    dips = _dips(series)
    if dips:
        figure.add_scatter(
            x=[one[0] for one in dips], y=[one[1] for one in dips], name="dips of the event", mode="markers",
            marker={"color": colour("battery"), "size": 9},
            hovertemplate="%{y:.3~g} of the rated voltage for %{x:.3~g} s<extra></extra>",
        )  # fmt: skip
    finish(figure, title="Ride-through", height=360, x="duration [s]", y="voltage [p.u.]", legend=True)
    figure.update_xaxes(type="log", range=[-3, 4])
    figure.update_yaxes(range=[0, 1.3])
    return figure


def _dips(series: Series) -> list[tuple[float, float]]:
    """(s, least voltage) of each time that the event is below 0.9 of the rated voltage."""
    found: list[tuple[float, float]] = []
    start, least = None, 1.0
    for at, volts in zip(series.get("event_time_s", ()), series.get("event_voltage", ()), strict=False):
        if volts < 0.9:
            start = at if start is None else start
            least = min(least, volts)
        elif start is not None:
            found.append((max(at - start, _SHORTEST), least))
            start, least = None, 1.0
    return found


def event_figure(answer: Answer, series: Series) -> Any:
    """The voltage of the event, and the share of the load on the grid, as it is and mended."""
    import plotly.graph_objects as go

    if "event_time_s" not in series:
        return empty("Event", "No event was asked about.")
    figure = go.Figure()
    _line(figure, series["event_time_s"], series["event_voltage"], "voltage [p.u.]", INK, "p.u.")
    _line(
        figure, series["event_share_time_s"], series["event_share"], "load on the grid", NOT_SERVED, "of it"
    )
    if "mended_share" in series:
        words = safe(answer["ride_through"]["mend"])
        _line(
            figure, series["mended_share_time_s"], series["mended_share"], words, colour("battery"), "of it"
        )
    finish(figure, title="Event", height=340, x="time [s]", y="share of the rated", legend=True)
    figure.update_yaxes(range=[0, 1.1])
    return figure


def flexibility_figure(answer: Answer, series: Series) -> Any:
    """The call, and the power without and with what answers it."""
    import plotly.graph_objects as go

    if "flexibility_time_s" not in series:
        return empty("Flexibility", "Nothing answers the call.")
    figure, x = go.Figure(), series["flexibility_time_s"]
    name = safe(answer["flexibility"]["shown"])
    _line(figure, x, series["flexibility_target_MW"], "allowed", NOT_SERVED, "MW")
    _line(figure, x, series["flexibility_plain_MW"], "without control", INK, "MW")
    if series["flexibility_load_MW"] != series["flexibility_drawn_MW"]:
        _line(figure, x, series["flexibility_load_MW"], f"{name}, before the store", colour("wind"), "MW")
    _line(figure, x, series["flexibility_drawn_MW"], name, colour("battery"), "MW")
    finish(figure, title="A call of the utility", height=360, x="time [s]", y="power [MW]", legend=True)
    return figure


def quality_figure(answer: Answer, series: Series) -> Any:
    """Voltage, batch and time between tokens through the call, over their values at its start."""
    import plotly.graph_objects as go

    if "flexibility_time_s" not in series:
        return empty("Voltage and service", "Nothing answers the call.")
    figure, x = go.Figure(), series["flexibility_time_s"]
    _line(figure, x, series["flexibility_voltage"], "voltage, of the rated one", INK, "p.u.")
    hues = {"flexibility_batch": colour("wind"), "flexibility_token_ms": NOT_SERVED}
    words = {"flexibility_batch": "batch", "flexibility_token_ms": "time between tokens"}
    for key, name in words.items():
        if key in series and series[key][0] > 0.0:
            first = series[key][0]
            _line(figure, x, [value / first for value in series[key]], name, hues[key], "of the normal")
    finish(
        figure, title="Voltage and service", height=340, x="time [s]", y="share of the normal", legend=True
    )
    return figure


def shown(answer: Answer, series: Series) -> tuple[str, ...]:
    """Names of the figures that have something to show."""
    absent = set()
    if answer["plants"] is None:
        absent.add("frequency")
    if answer["ride_through"] is None:
        absent.add("ride_through")
    if "event_time_s" not in series:
        absent.add("event")
    if "flexibility_time_s" not in series:
        absent |= {"flexibility", "quality"}
    return tuple(name for name in FIGURES if name not in absent)


FIGURES: dict[str, tuple[Callable[[Answer, Series], Any], str]] = {
    "power": (
        power_figure,
        "The series, evenly sampled for the figure; the analysis uses every step.",
    ),
    "spectrum": (spectrum_figure, "Amplitude of a sine of each frequency (Welch, Hann windows)."),
    "frontier": (frontier_figure, "A higher floor consumes more energy and needs a smaller store."),
    "frequency": (frequency_figure, "Frequency of the plants' common bus, from the first value of the load."),
    "ride_through": (
        ride_figure,
        "Voltage against how long it lasts: the code's curve, and where this load leaves the grid.",
    ),
    "event": (event_figure, "Voltage and load through the event, as the load is and with the smallest mend."),
    "flexibility": (flexibility_figure, "What the utility allows, and the power without and with control."),
    "quality": (quality_figure, "Voltage, batch and time between tokens while the call is answered."),
}
"""Figure → (the function, its caption)."""
