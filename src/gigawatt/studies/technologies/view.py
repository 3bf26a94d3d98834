"""Technologies: what number formats and other ways to compute do to quality, energy and cost of a token."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from gigawatt.catalog import sources
from gigawatt.catalog.loader import entity
from gigawatt.chain.machine.technologies import CAVEAT, Comparison, Row, compare, with_bands
from gigawatt.core.document import Cell, Grid
from gigawatt.core.errors import GigawattError
from gigawatt.faces.figures.readable import significant, with_unit
from gigawatt.faces.report.drawings import table_of
from gigawatt.faces.web.answers import Asked, Fragment
from gigawatt.faces.web.form.state import placed
from gigawatt.faces.web.rendering import Plot, fragment, plot
from gigawatt.faces.web.tabled import ranged, tabled
from gigawatt.studies.technologies.audit import Audit, audit, audited
from gigawatt.studies.technologies.figures import WORST, components, front
from gigawatt.studies.technologies.own import Own, own_technology

__all__ = ["compute", "show"]

BATCHES = {"1": "1", "8": "8", "64": "64", "256": "256"}
CONTEXTS = {"512": "512 tokens", "2048": "2,048 tokens", "8192": "8,192 tokens", "32768": "32,768 tokens"}
AGAINST = {"joules": "energy of a token", "dollars": "cost of a token"}
SCOPES = {"system": "system: with links, node and cooling", "chip": "chip: dies, memory and waiting"}
ALL = "all"
_BAND_SECONDS = 0.35
"""Processor seconds that the ranges of one substrate take, about."""
_NO_USE = 100.0
"""Perplexity over that as trained beyond which nobody asks by how much."""
_UNITS = {"joules": (1e3, "mJ/token"), "dollars": (1e6, "$/million tokens")}


def show(asked: Asked) -> Fragment:
    """Quality against energy, what a token is made of, all substrates, published claims."""
    own = _own(asked)
    found = _compared(own.model, own.chip, *_loads(asked))
    kinds = _kinds(found)
    kind, against, scope = (
        asked.setting("kind", kinds),
        asked.setting("against", AGAINST),
        asked.setting("scope", SCOPES),
    )
    shown = _of_kind(found, kind, own.substrate)
    document = shown.to_json()
    drawn = components(document)
    title = "What a token's energy goes to at system scope, of the substrates that take least."
    parts = table_of(drawn, title)
    return fragment(
        "technologies.html.j2",
        title=f"Technologies: a token of {found.model}",
        own=own,
        own_words=_own_words(own, found),
        model=found.model,
        chip=found.chip,
        caveat=CAVEAT,
        batches=BATCHES, batch=asked.setting("batch", BATCHES),
        contexts=CONTEXTS, context=asked.setting("context", CONTEXTS),
        kinds=kinds, kind=kind, against=against, scope=scope, measures=AGAINST, scopes=SCOPES,
        figure_=_front(shown, own, against, scope),
        components_=plot("components", drawn, title),
        parts=parts,
        table=_table(shown, own),
        explained=_explained(shown),
        refused=_refused(found),
        query=asked.state.query(asked.settings),
        seconds=significant(_BAND_SECONDS * len(shown.rows), 2),
        audits=_audits(),
        settings=dict(asked.settings),
    )  # fmt: skip


def compute(asked: Asked) -> Fragment:
    """The same figure and table with the ranges of energy and cost, row by row of the catalog."""
    own = _own(asked)
    found = _compared(own.model, own.chip, *_loads(asked))
    kind = asked.setting("kind", _kinds(found))
    against, scope = asked.setting("against", AGAINST), asked.setting("scope", SCOPES)
    shown = with_bands(
        _of_kind(found, kind, own.substrate), lambda words, share: asked.progress(f"Moving {words}", share)
    )
    return fragment(
        "technologies_bands.html.j2",
        figure_=_front(shown, own, against, scope, name="front-bands"),
        table=_table(shown, own),
    )


def _own(asked: Asked) -> Own:
    try:
        return own_technology(asked.state.loaded())
    except GigawattError as error:
        raise placed(error, asked.state.branch) from None


def _loads(asked: Asked) -> tuple[float, float]:
    return float(asked.setting("batch", BATCHES)), float(asked.setting("context", CONTEXTS))


@lru_cache(maxsize=32)
def _compared(model: str, chip: str, batch: float, context: float) -> Comparison:
    return compare(model=model, chip=chip, batch=batch, context=context)


def _kinds(found: Comparison) -> dict[str, str]:
    kinds = dict.fromkeys(row.substrate.technology for row in found.rows)
    return {ALL: "all"} | {one: one.replace("_", " ") for one in kinds}


def _of_kind(found: Comparison, kind: str, own: str) -> Comparison:
    """The rows of one kind, and that of the scenario beside them."""
    if kind == ALL:
        return found
    rows = tuple(r for r in found.rows if r.substrate.technology == kind or r.substrate.id == own)
    return replace(found, rows=rows)


def _own_words(own: Own, found: Comparison) -> str:
    row = next((one for one in found.rows if one.substrate.id == own.substrate), None)
    if row is None:
        return f"No substrate of the catalog computes as this scenario does ({own.format})."
    as_what = "" if row.substrate.id == own.format else f", of the substrates {row.substrate.id}"
    said = (
        f"This scenario computes in {own.format}{as_what}: {with_unit(row.cost.joules('chip'), 'J')} a token "
        f"of the chip and {with_unit(row.cost.joules('system'), 'J')} of the system, "
        f"{with_unit(row.money['system'] * 1e6, '$')} a million tokens"
    )
    if row.quality is None:
        return f"{said}. Its effect on quality was not measured."
    q = row.quality
    return f"{said}, perplexity {_times(q.ratio, q.low, q.high)}."


def _front(shown: Comparison, own: Own, against: str, scope: str, name: str = "front") -> Plot:
    unit = _UNITS[against][1]
    caption = (
        f"Perplexity over that of the same model as trained, against {unit} of the {scope}: left and down is "
        "better. Filled: no other is better in both. "
        f"{'Ringed: what this scenario computes with. ' if own.substrate else ''}"
        f"Substrates that were not run, and those that lose more than × {WORST:g}, are in the table alone."
    )
    return plot(name, front(shown.to_json(), kind=against, scope=scope, own=own.substrate), caption)


def _table(shown: Comparison, own: Own) -> Grid:
    rows: list[list[Cell | str]] = []
    for row in _sorted(shown):
        q = row.quality
        rows.append([
            Cell(f"{row.substrate.id}{' (this scenario)' if row.substrate.id == own.substrate else ''}"),
            "not run" if q is None else _times(q.ratio, q.low, q.high),
            "" if q is None else Cell(q.grade, grade=q.grade),
            _with_band(row, "joules", "chip"),
            _with_band(row, "joules", "system"),
            _with_band(row, "dollars", "system"),
            significant(row.cost.step_time * 1e3),
            _fronts(row),
        ])  # fmt: skip
    return tabled(
        "Every substrate, the least joules of the system first. Perplexity is over that of the model as "
        f"trained, {CAVEAT}.",
        ("substrate", "perplexity", "grade", "chip [mJ/token]", "system [mJ/token]", "system [$/M tokens]",
         "a step [ms]", "on the front of"),
        rows, words=(0, 2, 7),
    )  # fmt: skip


def _explained(shown: Comparison) -> Grid:
    rows = [
        (row.substrate.id, row.substrate.name, row.substrate.technology.replace("_", " "),
         f"{100 * row.cost.mapped_energy:.0f} %",
         "none" if row.cost.amdahl is None else significant(row.cost.amdahl))
        for row in _sorted(shown)
    ]  # fmt: skip
    return tabled(
        "Moved: share of a 16-bit chip's energy that the substrate takes over. At most: how many times "
        "better a token could get if that part cost nothing.",
        ("substrate", "what it is", "kind", "moved", "at most"), rows, words=(0, 1, 2),
    )  # fmt: skip


def _sorted(shown: Comparison) -> list[Row]:
    return sorted(shown.rows, key=lambda one: one.cost.joules("system"))


def _fronts(row: Row) -> str:
    """Where no other is better in quality and in energy or cost: of both scopes, or of which."""
    said: list[str] = []
    for kind, words in (("joules", "energy"), ("dollars", "cost")):
        on = [scope for scope in ("chip", "system") if f"{kind} {scope}" in row.fronts]
        if on:
            said.append(words if len(on) > 1 else f"{words} ({on[0]})")
    return ", ".join(said)


def _times(ratio: float, low: float, high: float) -> str:
    """A factor of perplexity with its range; of what is of no use only that it is."""
    if ratio > _NO_USE:
        return f"more than × {_NO_USE:g}"
    return f"× {ratio:.3f} ({low:.3f} to {high:.3f})" if ratio < WORST else f"× {significant(ratio)}"


def _with_band(row: Row, kind: str, scope: str) -> str:
    scale = _UNITS[kind][0]
    value = row.cost.joules(scope) if kind == "joules" else row.money[scope]
    band = row.bands.get(f"{kind} {scope}")
    if band is None:
        return significant(value * scale)
    return ranged(value * scale, band.low * scale, band.high * scale)


def _refused(found: Comparison) -> Grid | None:
    if not found.refused:
        return None
    return tabled("Substrates without a cost.", ("substrate", "why"), found.refused, words=(0, 1))


@lru_cache(maxsize=1)
def _audits() -> tuple[tuple[Audit, str], ...]:
    """Every published claim with what remains of it, and the address of its source."""
    return tuple((audit(id), _address(id)) for id in audited())


def _address(id: str) -> str:
    row = next(iter(entity("technologies_published", id).rows()))
    url = sources()[row.source_id].url if row.source_id in sources() else ""
    return url if url.startswith(("https://", "http://")) else ""
