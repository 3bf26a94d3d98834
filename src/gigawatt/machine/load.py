"""From catalog rows to machines: chips, links, nodes, and clusters with every default listed.

What a chip's row leaves out is filled in by a rule of the table ``chips_defaults``; each use is an
:class:`~gigawatt.core.evidence.Assumption` on the chip and, through :func:`build_cluster`, in the result.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from gigawatt.catalog.loader import Entity, entity, table
from gigawatt.core.errors import GigawattError, InputError, MissingDataError, nearest
from gigawatt.core.evidence import Assumption, Evidence, Grade, worst
from gigawatt.machine.machine import Chip, Cluster, Link, Node
from gigawatt.machine.topology import Topology
from gigawatt.machine.wiring import curved, wire
from gigawatt.technology.composition import HYBRID
from gigawatt.technology.gpu import BITS, kernels
from gigawatt.technology.hybrid import machine_of

__all__ = ["build_cluster", "chip_of", "chip_row", "list_chips", "load_chip", "load_link", "load_node"]

_DEFAULT = "default"
_PETA = 1e15
_T = TypeVar("_T")
_AT_LIMIT = "a large multiplication at its sustained rate draws the power limit"


#: Words of a chip's name that do not tell it from others.
_MAKERS = frozenset(
    ("nvidia", "amd", "google", "intel", "aws", "huawei", "instinct", "tesla", "geforce", "gpu")
)


def list_chips() -> list[str]:
    """Ids of every chip in the catalog."""
    return list(table("chips"))


def _defaults() -> Entity:
    return entity("chips_defaults", _DEFAULT)


class _Row:
    """A chip's row while it is read: values by name, and what had to be filled in."""

    def __init__(self, row: Entity) -> None:
        self.row = row
        self.evidence: dict[str, Evidence] = {name: row.evidence(name) for name in row.numbers}
        self.assumed: list[Assumption] = []

    def get(self, quantity: str) -> float | None:
        """The row's own value, or ``None``."""
        return self.row.get(quantity)

    def need(self, quantity: str) -> float:
        """The row's own value; what cannot be assumed must stand in the catalog."""
        try:
            return self.row.value(quantity)
        except MissingDataError as error:
            raise error.at(file="chips.csv", key=self.row.id) from None

    def fill(self, quantity: str, value: float, unit: str, reason: str, *rules: str) -> float:
        """Record ``value`` as assumed by ``rules`` of ``chips_defaults`` and return it."""
        rows = [_defaults().evidence(rule) for rule in rules]
        grade = worst([*(row.grade for row in rows), Grade.modelled])
        source = rows[0].source_id if rows else ""
        self.evidence[quantity] = Evidence(
            entity=self.row.id, quantity=quantity, value=value, low=None, high=None, unit=unit,
            written=f"{value:.6g}", year=None, currency_year=None, grade=grade, source_id=source, locator="",
            note=reason, where=rows[0].where if rows else "",
        )  # fmt: skip
        self.assumed.append(
            Assumption(
                f"chips.{self.row.id}.{quantity}", f"{value:.4g} {unit}".strip(), reason, grade, source
            )
        )
        return value

    def default(self, quantity: str, unit: str, reason: str, rule: str | None = None) -> float:
        """The row's own value, or that of a rule with one number."""
        own = self.get(quantity)
        rule = rule or quantity
        return own if own is not None else self.fill(quantity, _defaults().value(rule), unit, reason, rule)


def _peaks(row: Entity) -> dict[str, float]:
    return {form: row.value(f"peak_{form}") for form in BITS if f"peak_{form}" in row.numbers}


def equivalent_peak(peak: Mapping[str, float]) -> float:
    """Rate in 16-bit terms [FLOP/s]: that of bf16 or fp16, else of a narrower format scaled by its width."""
    for form in ("bf16", "fp16", "fp8", "int8", "fp4", "fp32"):
        if form in peak:
            return peak[form] * BITS[form] / BITS["bf16"] if BITS[form] < BITS["bf16"] else peak[form]
    return max(peak.values())


def load_chip(id: str) -> Chip:
    """The chip called ``id``: of the catalog's ``chips`` or ``chip_designs``, or a design's file.

    A design is built from its parts (:mod:`~gigawatt.machine.chip.build`).

    Raises
    ------
    InputError
        No such chip; names the nearest spelling.
    InfeasibleError
        A design that cannot be made; says by how much.
    MissingDataError
        The row lacks what no rule may fill in: a peak rate, memory size or bandwidth.
    """
    return chip_of(*chip_row(id))


def chip_of(entry: Entity, assumed: tuple[Assumption, ...] = ()) -> Chip:
    """The chip that a row of ``chips`` describes; ``assumed`` is what the row itself rests on.

    Raises
    ------
    MissingDataError
        The row lacks what no rule may fill in: a peak rate, memory size or bandwidth.
    """
    row = _Row(entry)
    row.assumed += assumed
    peak = _peaks(entry)
    if not peak:
        raise MissingDataError(
            "this chip has no peak rate",
            file="chips.csv",
            key=entry.id,
            allowed="add peak_bf16 or another peak_… to its row",
        )
    rate = equivalent_peak(peak)
    rules = _defaults()
    power = row.get("power_limit")
    if power is None:
        reason = "no published power limit: median power of a 16-bit equivalent FLOP/s times the peak"
        power = row.fill("power_limit", rules.value("power_per_rate") * rate, "W", reason, "power_per_rate")
    price = row.get("price")
    if price is None:
        reason = "no published price: regression of known prices on the 16-bit equivalent peak"
        value = rules.value("price_at_petaflop") * (rate / _PETA) ** rules.value("price_exponent")
        price = row.fill("price", value, "$", reason, "price_at_petaflop", "price_exponent")
    idle = row.get("idle_power")
    if idle is None:
        reason = "never measured: share of the power limit of measured chips"
        idle = row.fill("idle_power", rules.value("idle_share") * power, "W", reason, "idle_share")
    if entry.text("technology") == HYBRID:
        standing = machine_of(entry.id).standing_power
        idle = row.fill("idle_power", idle + standing, "W", "with the silicon of weights that stay written")
    die_area = row.default("die_area", "m^2", "die area unknown: median of the catalog")
    memory_bytes = row.need("memory_bytes")
    carbon = row.get("embodied_carbon")
    if carbon is None:
        reason = "no product footprint: by die area, memory and board"
        value = (
            rules.value("carbon_per_area") * die_area
            + rules.value("carbon_per_memory") * memory_bytes
            + rules.value("carbon_of_board")
        )
        names = ("carbon_per_area", "carbon_per_memory", "carbon_of_board")
        carbon = row.fill("embodied_carbon", value, "kg", reason, *names)
    energy_byte = {
        "dram": _energy_dram(row),
        "sram": row.default("energy_sram", "J/B", "one figure for all chips"),
    }
    return Chip(
        id=entry.id,
        name=entry.text("name", entry.id),
        technology=entry.text("technology", "gpu"),
        year=int(entry.text("year", "0")),
        peak=peak,
        memory_bytes=memory_bytes,
        memory_bandwidth=row.need("memory_bandwidth"),
        sram_bytes=row.default("sram_bytes", "B", "on-chip memory unknown"),
        units=row.default("units", "", "number of processors unknown (wave quantisation)"),
        power_limit=power,
        idle_power=idle,
        energy_flop=_energy_flop(row, peak, power, idle, energy_byte),
        energy_byte=energy_byte,
        die_area=die_area,
        price=price,
        embodied_carbon=carbon,
        evidence=row.evidence,
        kernels=_fit(row),
        assumptions=tuple(row.assumed),
    )


def chip_row(id: str) -> tuple[Entity, tuple[Assumption, ...]]:
    """A chip's row of ``chips``, and what was assumed where it was built from parts.

    Raises
    ------
    InputError, InfeasibleError
        As :func:`load_chip`.
    """
    design = id if id.lower().endswith((".yaml", ".yml")) else ""
    if not design:
        try:
            row = _entity("chips", id)
        except InputError as error:
            designs = table("chip_designs")
            try:
                design = entity("chip_designs", id).id
            except InputError:
                error.nearest = nearest(id, [*designs, error.nearest] if error.nearest else designs)
                raise error from None
        else:
            design = row.text("design")
            if not design:
                return row, ()
    from gigawatt.machine.chip.build import made_row

    return made_row(design)


def _fit(row: _Row) -> str:
    id, name = row.row.id, row.row.text("kernels")
    if name != id:
        grade = entity("kernels", _DEFAULT).evidence("gemm_share_bf16").grade
        reason = "no kernels of this chip were measured: "
        reason += f"those of {name}, its nearest kin" if name else "median of the measured chips"
        source = entity("kernels", name or _DEFAULT).rows()[0].source_id
        row.assumed.append(Assumption(f"chips.{id}.kernels", name or _DEFAULT, reason, grade, source))
    return name


def _energy_dram(row: _Row) -> float:
    own = row.get("energy_dram")
    if own is not None:
        return own
    rules, memory = _defaults(), row.row.text("memory")
    if memory in table("memories") and "energy" in table("memories")[memory].numbers:
        value = table("memories")[memory].value("energy") * rules.value("memory_path")
        reason = f"never measured: energy of {memory} times the path on the chip"
        return row.fill("energy_dram", value, "J/B", reason, "memory_path")
    return row.fill(
        "energy_dram", rules.value("energy_dram"), "J/B", "memory without an energy row", "energy_dram"
    )


def _energy_flop(
    row: _Row, peak: Mapping[str, float], power: float, idle: float, energy_byte: Mapping[str, float]
) -> dict[str, float]:
    """J/FLOP such that a large multiplication at its sustained rate draws the power limit.

    power = idle + R·(e_flop + on-chip traffic·e_sram + memory traffic·e_dram), R = sustained share × peak.
    """
    rules = _defaults()
    fit = row.row.text("kernels")
    own = table("kernels").get(fit) if fit else None
    share = own.get("gemm_sustained_share") if own is not None else None
    share = entity("kernels", _DEFAULT).value("gemm_sustained_share") if share is None else share
    found: dict[str, float] = {}
    for form, rate in peak.items():
        stated = row.get(f"energy_flop_{form}")
        if stated is None:
            width = BITS[form] / BITS["bf16"]
            dram = rules.value("gemm_dram_traffic") * width * energy_byte["dram"]
            on_chip = kernels(fit).on_chip_traffic * width * energy_byte["sram"]
            stated = max((power - idle) / (share * rate) - dram - on_chip, 0.0)
            row.fill(f"energy_flop_{form}", stated, "J/FLOP", _AT_LIMIT, "gemm_dram_traffic")
        found[form] = stated
    own_notes = [note for note in row.assumed if ".energy_flop_" in note.key]
    if own_notes:
        row.assumed = [note for note in row.assumed if note not in own_notes]
        value = ", ".join(f"{note.key.rsplit('_', 1)[1]} {note.value}" for note in own_notes)
        row.assumed.append(replace(own_notes[0], key=f"chips.{row.row.id}.energy_flop", value=value))
    return found


def load_link(id: str) -> Link:
    """The link called ``id`` of the catalog's ``links``; raises ``InputError`` for an unknown one."""
    row = _entity("links", id)
    link = Link(
        id=row.id,
        bandwidth=row.value("bandwidth"),
        latency=row.value("latency"),
        energy_byte=row.value("energy_byte"),
        efficiency=row.value("efficiency"),
        in_network=row.text("in_network") == "yes",
        evidence={name: row.evidence(name) for name in row.numbers},
        network_power=row.get("network_power", 0.0) or 0.0,
        network_price=row.get("network_price", 0.0) or 0.0,
    )
    return curved(link, row)


def load_node(id: str) -> Node:
    """The node called ``id`` of the catalog's ``nodes``; raises ``InputError`` for an unknown one."""
    row = _entity("nodes", id)
    return Node(
        id=row.id,
        chips=int(row.value("chips")),
        overhead_power=row.value("overhead_power"),
        price=row.value("price"),
        embodied_carbon=row.value("embodied_carbon"),
        evidence={name: row.evidence(name) for name in row.numbers},
    )


def _entity(kind: str, id: str) -> Entity:
    """The catalog's row by id or alias; an unknown one is told with the nearest id or alias."""
    try:
        return entity(kind, id)
    except InputError as error:
        names: dict[str, str] = {}
        for row in table(kind).values():
            names.update(dict.fromkeys([row.id, *filter(None, row.text("aliases").split("|"))], row.id))
        same = {own for name, own in names.items() if _words(name) == _words(id)}
        if len(same) == 1:
            return table(kind)[same.pop()]
        error.nearest = nearest(id, names)
        raise


def _words(name: str) -> frozenset[str]:
    """The words of a name in any order, without maker, memory kind and the generation of a socket."""
    words = re.findall(r"[a-z0-9.]+", re.sub(r"sxm\d", "sxm", name.lower()))
    return frozenset(word for word in words if word not in _MAKERS and not word.startswith("hbm"))


def build_cluster(
    *,
    chip: str | Chip,
    count: int,
    node: str | Node | None = None,
    scale_up: str | Link | None = None,
    scale_out: str | Link | None = None,
    oversubscription: float = 1.0,
    domain: int | None = None,
    topology: str | Topology | None = None,
) -> tuple[Cluster, tuple[Assumption, ...]]:
    """``count`` accelerators with their node and links; what is left out comes from the chip's row.

    Parameters
    ----------
    chip : str or Chip
        Catalog id, alias, or a chip of one's own.
    count : int
        Accelerators, ≥ 1.
    node, scale_up, scale_out : str, Node or Link, optional
        Catalog ids or objects.
    oversubscription : float
        ≥ 1; divides the scale-out bandwidth beyond a leaf.
    domain : int, optional
        Accelerators joined by ``scale_up``, ≥ 1; a larger one than ``count`` is cut, which is said.
    topology : str or Topology, optional
        Of the catalog's ``topologies``: how domains are wired (level ``inner``) or what lies between them.

    Returns
    -------
    (Cluster, tuple of Assumption)
        The assumptions name each default taken and each number of the chip that a rule filled in.

    Raises
    ------
    InputError
        An unknown name, a count or domain below 1, an oversubscription below 1, a torus that has no
        block of so many accelerators.
    MissingDataError
        The chip has no default for what was left out.
    """
    _at_least_one("cluster.count", count)
    if domain is not None:
        _at_least_one("cluster.domain", domain)
    if not oversubscription >= 1.0:
        raise InputError(
            "oversubscription below 1",
            key="cluster.oversubscription",
            given=oversubscription,
            allowed="1 or more",
        )
    machine = _keyed("cluster.chip", lambda: load_chip(chip) if isinstance(chip, str) else chip)
    row = table("chips").get(machine.id)
    assumed = list(machine.assumptions)

    def default(key: str, column: str) -> str:
        value = row.text(column) if row is not None else ""
        if not value:
            raise MissingDataError(
                f"{machine.id} has no default for this",
                key=f"cluster.{key}",
                allowed="name one in the scenario",
            )
        assumed.append(
            Assumption(
                f"cluster.{key}", value, f"catalog default of {machine.id}", Grade.modelled, "chips.csv"
            )
        )
        return value

    def link(key: str, given: str | Link | None) -> Link:
        if isinstance(given, Link):
            return given
        name = given if given is not None else default(key, f"default_{key}")
        return _keyed(f"cluster.{key}", lambda: load_link(name))

    up, out = link("scale_up", scale_up), link("scale_out", scale_out)
    if isinstance(node, Node):
        server = node
    else:
        name = node if node is not None else default("node", "default_node")
        server = _keyed("cluster.node", lambda: load_node(name))
    if domain is None:
        stated = row.get("scale_up_domain") if row is not None else None
        rules = _defaults().evidence("scale_up_domain")
        size = int(rules.value if stated is None else stated)
        grade = rules.grade if stated is None or row is None else row.evidence("scale_up_domain").grade
        reason = "no domain known: one node" if stated is None else f"catalog default of {machine.id}"
        assumed.append(Assumption("cluster.domain", str(size), reason, grade, "chips.csv"))
    else:
        size = domain
    if size > count:
        reason = f"a domain of {size} accelerators is larger than the machine: cut to it"
        assumed.append(Assumption("cluster.domain", str(count), reason, Grade.modelled))
        size = count
    if server.chips > count:
        server = replace(server, chips=count)
        reason = f"a node of {server.id} holds more; its overhead is not scaled"
        assumed.append(Assumption("cluster.node.chips", str(count), reason, Grade.modelled))
    for key, value, unit in (
        ("network_power", out.network_power, "W"),
        ("network_price", out.network_price, "$"),
    ):
        evidence = out.evidence.get(key)
        if evidence is not None:
            assumed.append(
                Assumption(
                    f"cluster.{key}",
                    f"{value:.4g} {unit}",
                    f"per accelerator with {out.id}",
                    evidence.grade,
                    evidence.source_id,
                )
            )
    own_out = row.text("default_scale_out") if row is not None else ""
    inner, outer, wired = _keyed(
        "cluster.topology",
        lambda: wire(
            chip=machine.id,
            scale_up=up,
            scale_out=out,
            usual_out=out.id == own_out,
            domain=size,
            count=count,
            topology=topology,
        ),
    )
    assumed += wired
    cluster = Cluster(
        chip=machine,
        node=server,
        count=count,
        scale_up=up,
        scale_up_size=size,
        scale_out=out,
        oversubscription=float(oversubscription),
        network_power=out.network_power,
        network_price=out.network_price,
        inner=inner,
        topology=outer,
    )
    return cluster, tuple(assumed)


def _at_least_one(key: str, value: int) -> None:
    if isinstance(value, bool) or int(value) != value or value < 1:
        raise InputError("not a count", key=key, given=value, allowed="a whole number of 1 or more")


def _keyed(key: str, load: Callable[[], _T]) -> _T:
    try:
        return load()
    except GigawattError as error:
        raise error.at(key=key) from None
