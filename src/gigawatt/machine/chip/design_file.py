"""Reading a design of a chip, from a file or from the catalog; every error names file, line and key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from gigawatt.catalog.loader import entity, table
from gigawatt.core.checks import check_range
from gigawatt.core.errors import InputError, nearest
from gigawatt.core.evidence import Grade, worst
from gigawatt.core.once import once, stamp
from gigawatt.core.quantities import parse
from gigawatt.machine.chip.parts import FORMATS, PLACES, Design, DieArea, MemoryPart, is_design_file

__all__ = ["read_design", "set_values"]

# (key, unit or None for a word or list, what it is like)
_TOP: Mapping[str, str | None] = {
    "name": None,
    "year": "1",
    "architecture": "1",
    "package": None,
    "cooling": None,
    "formats": None,
    "dies": None,
    "memory": None,
    "links": None,
    "kernels": None,
    "margin": "1",
    "volume": "1",
    "power_limit": "W",
    "technology": None,
}
_DIE: Mapping[str, str | None] = {
    "count": "1",
    "node": None,
    "area": "mm^2",
    "sram": "MB",
    "units": "1",
    "good_units": "1",
    "phys": "1",
    "on": None,
    "arithmetic": "1",
    "compute": None,
}
_MEMORY: Mapping[str, str | None] = {
    "kind": None,
    "stacks": "1",
    "height": "1",
    "data_rate": "Gb/s",
    "place": None,
}
_LINKS: Mapping[str, str | None] = {
    "die_to_die": None,
    "bandwidth": "TB/s",
    "scale_up": None,
    "scale_out": None,
    "node": None,
    "domain": "1",
}
_NEEDED = ("year", "package", "cooling", "dies")


def read_design(text: str | Path, settings: Mapping[str, str] | None = None) -> Design:
    """A design by id or from a YAML file, with values set on top.

    Parameters
    ----------
    text : str or Path
        Id or alias of ``chip_designs``; a file that ends in ``.yaml`` or ``.yml``.
    settings : mapping, optional
        Dotted key → value as it would stand in the file: ``{"dies.gpu.area": "400 mm^2"}``.

    Raises
    ------
    InputError
        No such design or file; an unknown key, a missing one, a wrong unit or a number outside its range: in
        one line with file, line, key, range and nearest spelling.
    """
    if is_design_file(str(text)):
        data, lines, file, made = once(("design", stamp(text)), lambda: _file(Path(text)))
    else:
        data, lines, file, made = _row(str(text))
    data = set_values(data, settings or {})
    found = _Reader(lines, file).design(data, made)
    return replace(found, lines=lines)


def set_values(data: Mapping[str, Any], settings: Mapping[str, str]) -> dict[str, Any]:
    """A design's content with values set by dotted key.

    Raises
    ------
    InputError
        A key that leads into a value.
    """

    def copied(one: Any) -> Any:
        if not isinstance(one, Mapping):
            return one
        inner = {key: copied(value) for key, value in cast("Mapping[str, Any]", one).items()}
        return _SI(inner) if isinstance(one, _SI) else inner

    made: dict[str, Any] = copied(data)
    for key, value in settings.items():
        place: Any = made
        *path, last = key.split(".")
        for step in path:
            if not isinstance(place.get(step, {}), dict):
                raise InputError("leads into a value", key=key, given=step, allowed="a dotted key")
            place = place.setdefault(step, {})
        listed = isinstance(place.get(last), list | tuple) or key == "formats"
        place[last] = [one.strip() for one in value.split("|")] if listed else value
    return made


def _file(path: Path) -> tuple[dict[str, Any], dict[str, int], str, Design | None]:
    import yaml

    if not path.is_file():
        near = [str(p) for p in (path.parent if path.parent.is_dir() else Path()).glob("*.y*ml")]
        raise InputError("no such file of a chip", given=str(path), nearest=nearest(str(path), near))
    try:
        text = path.read_text(encoding="utf-8")
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text)):  # pyright: ignore
            raise InputError("an alias is not read here", file=path, allowed="values written out")
        root: Any = yaml.compose(text, Loader=yaml.SafeLoader)  # pyright: ignore
        data: Any = yaml.safe_load(text)
    except (UnicodeDecodeError, OSError) as error:
        raise InputError(f"cannot read this file ({error})", file=path) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else None
        raise InputError(f"not YAML: {getattr(error, 'problem', error)}", file=path, line=line) from None
    except (LookupError, AttributeError, TypeError, OverflowError):  # what a tag meets that does not fit
        raise InputError("not YAML: a tag that its value does not fit", file=path) from None
    if not isinstance(data, dict):
        raise InputError(
            "not a design: it should be a mapping of keys", file=path, line=1, allowed=list(_TOP)
        )
    lines: dict[str, int] = {}
    _places(root, "", lines)
    made = cast("dict[str, Any]", data)
    made["name"] = made.get("name") or path.stem
    return made, lines, str(path), None


def _places(node: Any, prefix: str, lines: dict[str, int]) -> None:
    for key, value in getattr(node, "value", []) if getattr(node, "id", "") == "mapping" else []:
        name = f"{prefix}{key.value}"
        lines[name] = key.start_mark.line + 1
        _places(value, f"{name}.", lines)


def _row(text: str) -> tuple[dict[str, Any], dict[str, int], str, Design | None]:
    row = entity("chip_designs", text)
    dies = [one for one in table("chip_dies").values() if one.text("design") == row.id]
    data: dict[str, Any] = {
        "name": row.id,
        "year": int(row.text("year")),
        "package": row.text("package"),
        "cooling": row.text("cooling"),
        "formats": [one for one in row.text("formats").split("|") if one],
        "kernels": table("chips")[row.text("kin")].text("kernels") if row.text("kin") else "",
        "technology": row.text("technology", "gpu"),
        "architecture": int(row.text("architecture") or row.text("year")),
        "dies": {},
    }
    grades: list[Grade] = [Grade.read(row.text("grade"))]
    for one in dies:
        grades += [found.grade for found in one.rows()]
        plain = {"node": one.text("node"), "on": one.text("on")}
        found = {key: one.get(key) for key in ("count", "area", "sram", "units", "good_units", "phys")}
        data["dies"][one.text("role")] = _SI(
            {**plain, **{key: value for key, value in found.items() if value is not None}}
        )
    if row.text("memory"):
        found = {key: row.get(key) for key in ("stacks", "height", "data_rate")}
        data["memory"] = _SI(
            {"kind": row.text("memory"), "place": row.text("place")}
            | {key: value for key, value in found.items() if value is not None}
        )
    links: dict[str, Any] = {
        "die_to_die": row.text("die_link"),
        "scale_up": row.text("scale_up"),
        "scale_out": row.text("scale_out"),
        "node": row.text("node"),
        "bandwidth": row.get("die_bandwidth"),
        "domain": row.get("scale_up_domain"),
    }
    data["links"] = _SI({key: value for key, value in links.items() if value not in (None, "")})
    shell = Design(
        row.id,
        row.text("name", row.id),
        data["year"],
        "",
        "",
        (),
        (),
        kin=row.text("kin"),
        grade=worst(grades),
        source=row.text("source_id"),
        note=row.text("note"),
    )
    return data, {}, "", shell


class _SI(dict[str, Any]):
    """A section whose bare numbers are in SI already: it came from the catalog."""


class _Reader:
    """Turns a mapping into a design; every error names file, line and key."""

    def __init__(self, lines: Mapping[str, int], file: str) -> None:
        self.lines, self.file = lines, file

    def wrong(self, message: str, key: str, **more: Any) -> InputError:
        line = self.lines.get(key) or self.lines.get(key.rsplit(".", 1)[0])
        return InputError(message, file=self.file or None, line=line, key=key, **more)

    def section(self, value: Any, key: str, known: Mapping[str, str | None]) -> dict[str, Any]:
        """A mapping with known keys and its quantities in SI."""
        if not isinstance(value, Mapping):
            raise self.wrong("should be a mapping", key, given=str(value), allowed=list(known))
        prefix = f"{key}." if key else ""
        bare = isinstance(value, _SI)
        made: dict[str, Any] = {}
        for name, written in cast("Mapping[str, Any]", value).items():
            if name not in known:
                raise self.wrong(
                    "unknown key",
                    f"{prefix}{name}",
                    given=name,
                    allowed=list(known),
                    nearest=nearest(str(name), known),
                )
            unit = known[name]
            if written is None or (isinstance(written, str) and not written.strip()):
                continue
            if unit is None or (bare and not isinstance(written, str)):
                made[name] = written
            else:
                made[name] = self.quantity(written, f"{prefix}{name}", unit)
        return made

    def quantity(self, written: Any, key: str, unit: str) -> float:
        try:
            return parse(written, unit)
        except InputError as error:
            error.key, error.file = key, self.file or None
            error.line = self.lines.get(key)
            raise

    def count(self, value: Any, key: str, low: int, high: int) -> int:
        if isinstance(value, bool) or float(value) != int(value) or not low <= value <= high:
            raise self.wrong("not such a count", key, given=value, allowed=f"a whole number, {low} to {high}")
        return int(value)

    def number(self, value: float, key: str, low: float, high: float, unit: str, scale: float) -> float:
        try:
            return float(check_range(key, value / scale, low, high, unit)) * scale
        except InputError as error:
            error.file, error.line = self.file or None, self.lines.get(key)
            raise

    def word(self, value: Any, key: str, known: Sequence[str]) -> str:
        if str(value) not in known:
            raise self.wrong(
                "not known", key, given=str(value), allowed=known, nearest=nearest(str(value), known)
            )
        return str(value)

    def design(self, data: Mapping[str, Any], shell: Design | None) -> Design:
        top = self.section(data, "", _TOP)
        for key in _NEEDED:
            if key not in top:
                raise self.wrong("this key is missing", key, allowed=list(_TOP))
        forms = top.get("formats") or ["bf16", "fp8"]
        if isinstance(forms, str) or not isinstance(forms, list | tuple):
            raise self.wrong("should be a list", "formats", given=str(forms), allowed=FORMATS)
        names = cast("Sequence[Any]", forms)
        dies = self.dies(top["dies"])
        links = self.section(top.get("links") or {}, "links", _LINKS)
        name = str(top.get("name") or Path(self.file).stem)
        found = Design(
            id=name if shell is None else shell.id,
            name=name if shell is None else shell.name,
            year=self.count(top["year"], "year", 2010, 2060),
            package=str(top["package"]),
            cooling=str(top["cooling"]),
            formats=tuple(dict.fromkeys(self.word(form, "formats", FORMATS) for form in names)),
            dies=dies,
            architecture=self.count(top.get("architecture", top["year"]), "architecture", 2010, 2060),
            memory=self.memory(top.get("memory")),
            die_link=str(links.get("die_to_die", "")),
            die_bandwidth=self.number(links.get("bandwidth", 0.0), "links.bandwidth", 0, 1e4, "TB/s", 1e12),
            scale_up=str(links.get("scale_up", "")),
            scale_out=str(links.get("scale_out", "")),
            node=str(links.get("node", "")),
            domain=self.count(links.get("domain", 0), "links.domain", 0, 1_000_000),
            kernels=str(top.get("kernels", "")),
            technology=str(top.get("technology", "gpu")),
            file=self.file,
        )
        limits = (
            ("margin", 1, 100, "", 1.0),
            ("volume", 1, 1e10, "chips", 1.0),
            ("power_limit", 1, 1e5, "W", 1),
        )
        for key, low, high, unit, scale in limits:
            if key in top:
                found = replace(found, **{key: self.number(top[key], key, low, high, unit, scale)})
        if shell is not None:
            found = replace(found, kin=shell.kin, grade=shell.grade, source=shell.source, note=shell.note)
        return found

    def dies(self, value: Any) -> tuple[DieArea, ...]:
        if not isinstance(value, Mapping) or not value:
            shown = str(cast("Any", value))
            raise self.wrong("should name at least one die", "dies", given=shown, allowed="role: {…}")
        roles = [str(role) for role in cast("Mapping[str, Any]", value)]
        made: list[DieArea] = []
        for role, written in cast("Mapping[str, Any]", value).items():
            key = f"dies.{role}"
            one = self.section(written, key, _DIE)
            for needed in ("node", "area"):
                if needed not in one:
                    raise self.wrong("this key is missing", f"{key}.{needed}", allowed=list(_DIE))
            on = str(one.get("on", ""))
            if on and (on not in roles or on == role):
                others = [name for name in roles if name != role]
                raise self.wrong(
                    "no such die", f"{key}.on", given=on, allowed=others, nearest=nearest(on, others)
                )
            units = self.count(one.get("units", 0), f"{key}.units", 0, 100_000)
            good = self.count(one.get("good_units", units), f"{key}.good_units", 0, units)
            share = one.get("arithmetic")
            if share is not None:
                share = self.number(share, f"{key}.arithmetic", 0.0, 1.0, "", 1.0)
            made.append(
                DieArea(
                    role=str(role),
                    node=str(one["node"]),
                    count=self.count(one.get("count", 1), f"{key}.count", 1, 1000),
                    area=self.number(one["area"], f"{key}.area", 0.1, 80_000, "mm²", 1e-6),
                    sram=self.number(one.get("sram", 0.0), f"{key}.sram", 0, 1e6, "MB", 1e6),
                    units=units,
                    good_units=good,
                    phys=self.count(one.get("phys", 0), f"{key}.phys", 0, 1000),
                    on=on,
                    compute=self.computes(one, role),
                    arithmetic=share,
                )
            )
        if not any(die.compute for die in made):
            raise self.wrong(
                "no die computes", "dies", given=", ".join(roles), allowed="one with units, or compute: yes"
            )
        return tuple(made)

    def computes(self, one: Mapping[str, Any], role: str) -> bool:
        """As it is written; else a die with units, or one not called after what it is besides."""
        if "compute" in one:
            return str(one["compute"]).lower() in ("true", "yes", "1")
        return bool(one.get("units")) or role not in ("io", "iod", "links", "base", "cache")

    def memory(self, value: Any) -> MemoryPart | None:
        if value is None:
            return None
        one = self.section(value, "memory", _MEMORY)
        if "kind" not in one or "stacks" not in one:
            raise self.wrong("kind and stacks are needed", "memory", allowed=list(_MEMORY))
        rate, height = one.get("data_rate"), one.get("height")
        return MemoryPart(
            kind=str(one["kind"]),
            stacks=self.count(one["stacks"], "memory.stacks", 1, 200),
            height=None if height is None else self.count(height, "memory.height", 1, 64),
            data_rate=None if rate is None else float(rate),
            place=self.word(one.get("place") or "beside", "memory.place", PLACES),
        )
