"""Drawings of what the physics of a plant gives: transients, operating contours, flows, beams, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gigawatt.faces.figures.style import GRID, INK, colour, finish, safe, translucent

__all__ = ["DRAWINGS"]

Values = Mapping[str, Any]
_FUELS = {"dt": "D–T", "dd": "D–D", "dhe3": "D–³He", "pb11": "p–¹¹B"}
_KELVIN = 273.15


def _scatter(
    figure: Any, x: Any, y: Any, name: str, hue: str, *, mode: str = "lines", unit: str = "", **more: Any
) -> None:
    figure.add_scatter(
        x=_short(x),
        y=_short(y),
        name=safe(name, 40),
        mode=mode,
        line={"color": hue, "width": 2},
        marker={"color": hue, "size": 7, "symbol": "circle-open"},
        hovertemplate=f"{safe(name, 40)} %{{y:.4~g}} {unit}<extra></extra>",
        **more,
    )


def _short(values: Any) -> list[float | None]:
    """Four significant digits; what is no number is a gap."""
    import numpy as np

    return [float(f"{v:.4g}") if np.isfinite(v) else None for v in np.asarray(values, dtype=float)]


def _beside_measured(
    values: Values, key: str, *, title: str, y: str, unit: str, scale: float, published: str
) -> Any:
    import plotly.graph_objects as go

    figure = go.Figure()
    _scatter(figure, values["time"], values[key] * scale, "computed", colour("reactor"), unit=unit)
    _scatter(figure, values["measured_time"], values[f"measured_{key}"] * scale, published, INK,
             mode="markers", unit=unit)  # fmt: skip
    return finish(figure, title=title, height=330, x="time [s]", y=y, legend=True)


def startup(values: Values) -> Any:
    """Reactivity that the rods give back while the pump starts, beside the published points."""
    return _beside_measured(
        values, "reactivity", title="The pump starts, zero power", y="reactivity [pcm]", unit="pcm",
        scale=1e5, published="MSRE, published",
    )  # fmt: skip


def coastdown(values: Values) -> Any:
    """The same while the pump runs down."""
    return _beside_measured(
        values, "reactivity", title="The pump runs down, zero power", y="reactivity [pcm]", unit="pcm",
        scale=1e5, published="MSRE, published",
    )  # fmt: skip


def step(values: Values) -> Any:
    """Power after a step of reactivity, beside the published points."""
    return _beside_measured(
        values, "power", title="A step of reactivity at power", y="change of power [MW]", unit="MW",
        scale=1e-6, published="MSRE, published",
    )  # fmt: skip


def day(values: Values) -> Any:
    """A day of the load: power of load, reactor and turbine's heat; temperatures of the salts."""
    from plotly.subplots import make_subplots

    figure: Any = make_subplots(
        rows=2, cols=1, shared_xaxes=True, row_heights=[0.5, 0.5], vertical_spacing=0.08
    )
    hours = values["time"] / 3600.0
    for key, words, hue in (("load", "load, electric", INK), ("fission", "fission heat", colour("reactor")),
                            ("heat", "heat to the turbine", colour("gas"))):  # fmt: skip
        _scatter(figure, hours, values[key] / 1e6, words, hue, unit="MW", row=1, col=1)
    for number, (key, words) in enumerate((("outlet", "fuel, hot"), ("inlet", "fuel, cold"),
                                           ("graphite", "graphite"), ("coolant_hot", "coolant, hot"),
                                           ("coolant_cold", "coolant, cold"))):  # fmt: skip
        _scatter(figure, hours, values[key] - _KELVIN, words, colour(key, number), unit="°C", row=2, col=1)
    finish(figure, title="A day of following a serving campus", height=520, legend=True)
    figure.update_yaxes(title="power [MW]", row=1, col=1)
    figure.update_yaxes(title="temperature [°C]", row=2, col=1)
    figure.update_xaxes(title="hour of the day", row=2, col=1)
    figure.update_layout(margin={"t": 96})
    return figure


_HEAT, _LINE = 2, 3
"""Every so many-th row and column of a field is drawn as colour, and as a line between its points."""


def popcon(values: Values) -> Any:
    """Plasma operating contours: fusion power (colour), gain and limits over density and temperature."""
    import numpy as np
    import plotly.graph_objects as go

    x, y = _short(values["temperature"]), _short(values["density"] / 1e20)
    figure = go.Figure()
    possible = np.asarray(values["possible"], dtype=bool)
    power = np.where(possible, values["fusion"] / 1e6, np.nan)
    figure.add_contour(
        x=x[::_HEAT], y=y[::_HEAT], z=_rows(power, _HEAT),
        contours={"coloring": "heatmap", "showlines": False},
        colorscale=[[0.0, translucent(colour("fusion"), 0.05)], [1.0, colour("fusion")]],
        colorbar={"title": {"text": "fusion<br>[MW]"}, "thickness": 12},
        hovertemplate="%{x:.3g} keV, %{y:.3g} × 10²⁰/m³: fusion %{z:.4g} MW<extra></extra>",
    )  # fmt: skip
    lines = (
        ("gain", values["gain"], (1.0, 2.0, 5.0, 10.0, 20.0), "Q", INK, "solid"),
        ("density_share", values["density_share"], (1.0,), "density limit", colour("gas"), "dash"),
        ("lh", values["lh"], (1.0,), "H-mode threshold", colour("wind"), "dot"),
    )
    for _, field, levels, words, hue, dash in lines:
        for level in levels:
            finite = np.where(np.isfinite(field), field, 1e3 * max(levels))
            figure.add_contour(
                x=x[::_LINE], y=y[::_LINE], z=_rows(np.where(possible, finite, np.nan), _LINE),
                contours={"type": "constraint", "operation": "=", "value": level, "showlabels": True},
                line={"color": hue, "width": 1.6, "dash": dash}, showscale=False, showlegend=True,
                name=safe(f"{words} {level:g}" if len(levels) > 1 else words), hoverinfo="skip",
                fillcolor="rgba(0,0,0,0)",
            )  # fmt: skip
    density, temperature = values["point"]
    figure.add_scatter(
        x=[float(temperature)], y=[float(density) / 1e20], mode="markers", name="operating point",
        marker={"color": colour("solar"), "size": 13, "symbol": "star", "line": {"color": INK, "width": 1}},
        hovertemplate="operating point %{x:.3g} keV, %{y:.3g} × 10²⁰/m³<extra></extra>",
    )  # fmt: skip
    finish(figure, title="Plasma operating contours", height=480, legend=True, x="temperature [keV]",
           y="density [10²⁰/m³]")  # fmt: skip
    figure.update_xaxes(range=[x[0], x[-1]])
    figure.update_yaxes(range=[y[0], y[-1]])
    return figure


def _rows(field: Any, every: int) -> list[list[float | None]]:
    """(N, K) as every so many-th row and column."""
    return [_short(row) for row in field[::every, ::every]]


def lawson(values: Values) -> Any:
    """Triple product that a gain of 10 (line) and ignition (dashes) need, by fuel."""
    import plotly.graph_objects as go

    figure = go.Figure()
    for number, (name, words) in enumerate(_FUELS.items()):
        for end, label, dash in (("q10", "Q = 10", "solid"), ("inf", "ignition", "dash")):
            key = f"{name}_{end}"
            if key in values:
                figure.add_scatter(
                    x=_short(values["temperature"]), y=_short(values[key]), mode="lines",
                    name=f"{words}, {label}", line={"color": colour("", number), "width": 2, "dash": dash},
                    hovertemplate=f"{words}, {label}: %{{y:.3~g}} keV s/m³ at %{{x:.3~g}} keV<extra></extra>",
                )  # fmt: skip
    finish(figure, title="Triple product that a fuel needs", height=380, legend=True,
           x="temperature [keV]", y="density × temperature × confinement [keV s/m³]")  # fmt: skip
    figure.update_xaxes(type="log")
    figure.update_yaxes(type="log", exponentformat="power")
    return figure


def flows(values: Values) -> Any:
    """Power from the reactions to the grid and back."""
    import plotly.graph_objects as go

    sources, targets = [str(s) for s in values["source"]], [str(t) for t in values["target"]]
    power = [float(v) / 1e6 for v in values["value"]]
    kept = [(s, t, p) for s, t, p in zip(sources, targets, power, strict=True) if p > 1e-4 * max(power)]
    names = list(dict.fromkeys(n for s, t, _ in kept for n in (s, t)))
    at = {name: i for i, name in enumerate(names)}
    through = {
        n: max(sum(p for s, _, p in kept if s == n), sum(p for _, t, p in kept if t == n)) for n in names
    }
    hues = [colour(name, i) for i, name in enumerate(names)]
    figure = go.Figure(
        go.Sankey(
            node={
                "label": [f"{safe(n)} · {through[n]:,.4g} MW" for n in names],
                "color": hues,
                "pad": 16,
                "thickness": 14,
                "line": {"width": 0},
                "hovertemplate": "%{label}<extra></extra>",
            },
            link={
                "source": [at[s] for s, _, _ in kept],
                "target": [at[t] for _, t, _ in kept],
                "value": [p for _, _, p in kept],
                "color": [translucent(hues[at[s]], 0.35) for s, _, _ in kept],
                "hovertemplate": "%{source.label} → %{target.label}: %{value:.4g} MW<extra></extra>",
            },
        )
    )
    return finish(figure, title="Where the power goes", height=420)


def _line(
    over: str,
    key: str,
    *,
    title: str,
    heads: tuple[str, str],
    y: str,
    scale: tuple[float, float] = (1.0, 1.0),
    log: tuple[bool, bool] = (False, False),
    more: Mapping[str, str] | None = None,
) -> Callable[[Values], Any]:
    """A drawing of one curve over another, and of others (``more``: key → words) beside it."""

    def draw(values: Values) -> Any:
        import plotly.graph_objects as go

        figure = go.Figure()
        x = values[over] * scale[0]
        _scatter(figure, x, values[key] * scale[1], heads[1], colour("space"))
        for number, (name, words) in enumerate((more or {}).items()):
            _scatter(figure, x, values[name] * scale[1], words, colour("gas", number))
        finish(figure, title=title, height=330, x=heads[0], y=y, legend=bool(more))
        if log[0]:
            figure.update_xaxes(type="log")
        if log[1]:
            figure.update_yaxes(type="log")
        return figure

    return draw


def power_chain(values: Values) -> Any:
    """From sunlight to the grid: what each stage passes and loses."""
    import plotly.graph_objects as go

    stages = [str(name) for name in values["stage"]]
    passed, lost = values["leaving"] / 1e9, values["lost"] / 1e9
    figure = go.Figure()
    for name, power, hue in (("passes", passed, colour("space")), ("is lost", lost, GRID)):
        figure.add_bar(
            y=stages, x=_short(power), orientation="h", name=name, marker={"color": hue},
            hovertemplate=f"%{{y}}: {{%x:.4~g}} GW {name}<extra></extra>".replace("{%x", "%{x"),
        )  # fmt: skip
    finish(
        figure, title="From sunlight to the grid", height=90 + 34 * len(stages), legend=True, x="power [GW]"
    )
    figure.update_layout(barmode="stack")
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return figure


def beam(values: Values) -> Any:
    """What a receiver collects over τ, and where this beam is."""
    import plotly.graph_objects as go

    figure = go.Figure()
    for key, words, hue in (
        ("gaussian", "1 − exp(−τ²)", colour("space")),
        ("optimum", "best taper", colour("gas")),
    ):
        _scatter(figure, values["tau"], 100.0 * values[key], words, hue, unit="%")
    tau, share = values["here"]
    _scatter(figure, [tau], [100.0 * share], "this beam", INK, mode="markers", unit="%")
    return finish(figure, title="Share of the beam that the ground collects", height=330, legend=True,
                  x="τ = √(A_t A_r) / (λ D)", y="collected [%]")  # fmt: skip


def ground(values: Values) -> Any:
    """Power density on the ground from the middle of the beam outwards, beside the limits for people."""
    import plotly.graph_objects as go

    figure = go.Figure()
    x = values["radius"] / 1e3
    _scatter(figure, x, values["density"], "beam", colour("space"), unit="W/m²")
    for limit, words, dash in zip(
        values["limit"], ("limit for the public", "limit at work"), ("dash", "dot"), strict=True
    ):
        figure.add_scatter(
            x=[float(x[0]), float(x[-1])], y=[float(limit)] * 2, mode="lines", name=words,
            line={"color": colour("not served"), "width": 1.5, "dash": dash},
            hovertemplate=f"{words} %{{y:.3g}} W/m²<extra></extra>",
        )  # fmt: skip
    finish(
        figure,
        title="On the ground",
        height=330,
        legend=True,
        x="from the middle [km]",
        y="power density [W/m²]",
    )
    figure.update_yaxes(type="log", range=[-2, None])
    return figure


DRAWINGS: dict[str, tuple[Callable[[Values], Any], str]] = {
    "startup": (
        startup,
        "Precursors that are carried out of the core are lost to it: what the rods make up for.",
    ),
    "coastdown": (coastdown, "Precursors stay in the core again as the flow ends."),
    "step": (step, "The fuel heats and takes the reactivity back; precursors come round with the loop."),
    "day": (day, "The reactor follows within its ramp; the store of salt carries the rest."),
    "popcon": (popcon, "Where the plasma can be held: left of it radiation wins; the star is the design."),
    "lawson": (lawson, "Bremsstrahlung counted; a fuel without a line has no balance at any temperature."),
    "power_chain": (power_chain, "The stages as NASA assumes them; the sheet has the physical beam beside."),
    "beam": (beam, "Larger apertures, a shorter wave and a shorter way collect more."),
    "ground": (ground, "Where people may be outside the rectenna; side lobes come and go."),
    "cost": (
        _line(
            "launch_price",
            "levelised",
            title="Cost over the price of a launch",
            scale=(1e-6, 3.6e6),
            heads=("a launch [M$]", "with tankers"),
            log=(True, True),
            y="levelised cost [$/kWh]",
            more={"electric": "with electric propulsion"},
        ),
        "Without tankers a launch matters much less.",
    ),
    "eclipse": (
        _line(
            "day",
            "minutes",
            title="Shadow by the day of the year",
            heads=("day of the year", "shadow"),
            y="shadow [min]",
        ),
        "About midnight, in the weeks around the equinoxes.",
    ),
    "flows": (flows, "What the plant itself takes comes back from its own generator."),
}
"""Name of a curve → (its drawing, its caption)."""
