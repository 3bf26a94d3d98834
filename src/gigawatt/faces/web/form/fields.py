"""The controls of the page: a field for every key of a scenario that can be set there.

Which fields there are and what they are called is said by the schema (:mod:`gigawatt.schema.fields`), whether
a value is right by the reader of scenarios. A slider stops at usual values; any other may be typed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from gigawatt import catalog
from gigawatt.catalog import Entity
from gigawatt.chain.site.load import PROFILES
from gigawatt.schema.fields import FIELDS, LOAD, SERVING, TRAINING, allows, fields

__all__ = [
    "FORM_FIELDS", "SIZE", "SIZES", "FormField", "Option", "branch_of", "field_of", "fields_of", "options",
]  # fmt: skip

SIZE = "size"
"""One field for the size, whichever key says it: ``16384``, ``300 MW``, ``2000 requests/s``."""
SIZES: Mapping[str, tuple[str, ...]] = {
    TRAINING: ("machine.count", "machine.power"),
    SERVING: ("serving.demand", "machine.count", "machine.power"),
    LOAD: ("load.peak", "load.mean", "load.it_peak", "load.hours"),
}
"""Branch → the keys that say its size; its slider halts where the first does."""
_INSTEAD = ", in place of a model's"


@dataclass(frozen=True)
class Option:
    """One of the values that a field may take; ``group`` is the heading it stands under."""

    value: str
    words: str
    group: str = ""


@dataclass(frozen=True)
class FormField:
    """A field of the schema as the page shows it; ``SIZE`` joins those of a branch that say how large it is.

    Attributes
    ----------
    key, section, label, sentence, kind, example : str
        As in :class:`gigawatt.schema.fields.Field`; ``kind`` is ``choice, many, stops`` or ``text``.
    branch : str
        What it belongs to, as in :class:`gigawatt.schema.fields.Field`; a load has controls where no machine
        draws it.
    stops : tuple of str
        Where the slider halts, in order.
    more : bool
        Folded away with those that are rarely set.
    """

    key: str
    section: str
    label: str
    sentence: str
    kind: str
    branch: str = ""
    stops: tuple[str, ...] = ()
    more: bool = False
    example: str = ""


def branch_of(key: str) -> str:
    """What a field belongs to on the page: a load where no machine draws it, else as the schema has it."""
    return LOAD if key.startswith("load.") else fields()[key].branch


def _sized(branch: str, section: str, label: str, sentence: str, example: str) -> FormField:
    stops = fields()[SIZES[branch][0]].stops
    return FormField(SIZE, section, label, sentence, "stops", branch, stops, example=example)


def _controls() -> Iterator[FormField]:
    """The fields that the page shows, in the order of the schema."""
    for one in FIELDS:
        if one.key == "machine.count":
            words, many = "accelerators, or power of the facility", "16384, or 300 MW"
            yield _sized(TRAINING, "Machine", "Size", words.capitalize(), many)
            yield _sized(SERVING, "Machine", "Size", f"Demand, {words}", f"2000 requests/s, {many}")
        elif one.key == "load.peak":
            words = one.sentence.removesuffix(_INSTEAD)
            yield _sized(LOAD, one.section, one.label, words, "300 MW")
        elif one.control:
            words = one.sentence.replace(_INSTEAD, ", in place of the load above")
            yield FormField(
                one.key, one.section, one.label, words, one.control, branch_of(one.key), one.stops,
                more=one.more, example=one.example if one.control in ("stops", "text") else "",
            )  # fmt: skip


FORM_FIELDS: tuple[FormField, ...] = tuple(_controls())
"""Every control."""


@lru_cache(maxsize=8)
def fields_of(branch: str) -> dict[str, FormField]:
    """The controls of a scenario of a branch, by key."""
    return {one.key: one for one in FORM_FIELDS if allows(one.branch, branch)}


def field_of(key: str, branch: str) -> FormField | None:
    """The control of a key, or ``None``."""
    return fields_of(branch).get(key)


def _rows(table: str, group: str = "", words: Callable[[Entity], str] | None = None) -> Iterator[Option]:
    for name, row in catalog.table(table).items():
        said = words(row) if words else row.text("name") or name
        yield Option(name, said or name, row.text(group) if group else "")


def _chips() -> Iterator[Option]:
    rows = sorted(_rows("chips", "vendor", lambda row: f"{row.text('name')} ({row.text('year')})"),
                  key=lambda one: one.group)  # fmt: skip
    yield from rows
    for one in _rows("chip_designs"):
        yield Option(one.value, one.words, "from parts")


def _places() -> Iterator[Option]:
    """Sites and cities by country, then the providers' regions."""
    rows = {**catalog.table("places"), **catalog.table("sites")}
    here = (Option(row.id, row.text("name"), row.text("country")) for row in rows.values())
    yield from sorted(here, key=lambda one: (one.group, one.words))
    regions = catalog.table("cloud_regions")
    for code, row in sorted(regions.items(), key=lambda one: (one[1].text("provider"), one[0])):
        where = rows[row.text("site")].text("name")
        yield Option(code, f"{code}, {where}", f"Regions of {row.text('provider')}")


def _precisions(trained: bool) -> Iterator[Option]:
    for name, row in catalog.table("precisions").items():
        if not trained or row.text("training"):
            yield Option(name, row.text("name") or name)


def _words(*values: str) -> Callable[[], tuple[Option, ...]]:
    return lambda: tuple(Option(value, value) for value in values)


#: Options that are neither the choices nor the rows of the catalog that the schema names for a field.
_OPTIONS: dict[str, Callable[[], Iterable[Option]]] = {
    "model": lambda: sorted(_rows("models"), key=lambda one: one.words.lower()),
    "machine.chip": _chips,
    "serving.precision": lambda: _precisions(trained=False),
    "serving.weights": _words(
        "bf16", "fp8", "fp8_block", "fp4", "mxfp4", "int8", "int4", "bf16 experts=mxfp4", "bf16 experts=fp4"
    ),
    "serving.cache": _words("bf16", "fp8"),
    "serving.sparsity": _words("none", "2:4"),
    "serving.shape": lambda: (*_words("constant")(), *_rows("traces_shapes")),
    "site.name": _places,
    "load.profile": lambda: (*_words(*PROFILES)(), *_rows("traces_shapes")),
    "supply.plants": lambda: _rows("plants", "kind"),
    "supply.reliability": _words("99 %", "99.9 %", "99.99 %", "99.999 %"),
    "supply.matching": _words("annual", "hourly", "50 %", "70 %", "80 %", "90 %", "95 %", "100 %"),
}


@lru_cache(maxsize=128)
def options(key: str) -> tuple[Option, ...]:
    """What may be chosen for a key, in the order in which it is shown; empty where anything may be typed."""
    if key in _OPTIONS:
        return tuple(_OPTIONS[key]())
    one = fields().get(key)
    if one is None or one.control not in ("choice", "many"):
        return ()
    return _words(*one.choices)() if one.choices else tuple(_rows(one.table)) if one.table else ()
