"""From a row of ``chips`` to a chip: what the row leaves out is filled in by a rule and listed.

Rules are those of the table ``chips_defaults``; each use is an :class:`~gigawatt.core.evidence.Assumption`
on the chip. Where a row comes from, the catalog or a design (:mod:`~gigawatt.machine.load`), makes no
difference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gigawatt.catalog.loader import Entity, entity, table
from gigawatt.core.errors import InfeasibleError, MissingDataError
from gigawatt.core.evidence import Assumption, Evidence, Grade, worst
from gigawatt.machine.machine import Chip
from gigawatt.technology.composition import HYBRID
from gigawatt.technology.digital.gpu import BITS, kernels
from gigawatt.technology.digital.systolic import Arrays
from gigawatt.technology.hybrid.machine import machine_of
from gigawatt.technology.registry import registered

__all__ = [
    "catalog_chip",
    "chip_of",
    "equivalent_peak",
    "list_chips",
    "multiplication_energy",
    "sustained_rate",
]

_DEFAULT = "default"
_PETA = 1e15
_AT_LIMIT = "a large multiplication at its sustained rate draws the power limit"


def list_chips() -> list[str]:
    """Ids of every chip in the catalog."""
    return list(table("chips"))


def catalog_chip(id: str) -> Chip:
    """The chip of a row of ``chips``, by its id.

    Raises
    ------
    InputError, MissingDataError
        No such row, or one that lacks what no rule may fill in.
    """
    return chip_of(entity("chips", id))


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


def chip_of(entry: Entity, assumed: tuple[Assumption, ...] = ()) -> Chip:
    """The chip that a row of ``chips`` describes; ``assumed`` is what the row itself rests on.

    Raises
    ------
    MissingDataError
        The row lacks what no rule may fill in: a peak rate, memory size or bandwidth; its technology is not
        registered, or multiplies beside a host that the row does not have.
    InfeasibleError
        It takes more, waiting, than its power limit.
    """
    row = _Row(entry)
    row.assumed += assumed
    peak = _peaks(entry)
    _check_alone(entry, peak)
    if not peak:
        raise MissingDataError(
            "this chip has no peak rate",
            file="chips.csv",
            key=entry.id,
            allowed="add peak_bf16 or another peak_… to its row",
        )
    rate = equivalent_peak(peak)
    power, price = _power_limit(row, rate), _price(row, rate)
    idle = _idle_power(row, power)
    die_area = row.default("die_area", "m^2", "die area unknown: median of the catalog")
    memory_bytes = row.need("memory_bytes")
    embodied_carbon = _embodied_carbon(row, die_area, memory_bytes)
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
        embodied_carbon=embodied_carbon,
        evidence=row.evidence,
        kernels=_fit(row),
        assumptions=tuple(row.assumed),
        exponentials=row.get("exponentials"),
        arrays=_arrays(row),
        silicon=_silicon(entry.id),
    )


def _power_limit(row: _Row, rate: float) -> float:
    stated = row.get("power_limit")
    if stated is not None:
        return stated
    reason = "no published power limit: median power of a 16-bit equivalent FLOP/s times the peak"
    value = _defaults().value("power_per_rate") * rate
    return row.fill("power_limit", value, "W", reason, "power_per_rate")


def _price(row: _Row, rate: float) -> float:
    stated = row.get("price")
    if stated is not None:
        return stated
    rules = _defaults()
    reason = "no published price: regression of known prices on the 16-bit equivalent peak"
    value = rules.value("price_at_petaflop") * (rate / _PETA) ** rules.value("price_exponent")
    return row.fill("price", value, "$", reason, "price_at_petaflop", "price_exponent")


def _idle_power(row: _Row, power: float) -> float:
    """Watts while it waits, with the silicon of a hybrid's weights; below its limit of ``power`` [W]."""
    entry = row.row
    idle = row.get("idle_power")
    if idle is None:
        reason = "never measured: share of the power limit of measured chips"
        idle = row.fill("idle_power", _defaults().value("idle_share") * power, "W", reason, "idle_share")
    if entry.text("technology") == HYBRID:
        machine = machine_of(entry.id)
        standing = machine.standing_power
        if idle + standing >= power:
            most = machine.area * max(power - idle, 0.0) / standing if standing else 0.0
            raise InfeasibleError(
                "silicon for weights takes more, waiting, than the package may draw",
                file="hybrids.csv",
                key=f"{entry.id}.area",
                given=f"{machine.area * 1e6:,.0f} mm² of {standing:,.0f} W beside the host's {idle:,.0f} W",
                allowed=f"less than {most * 1e6:,.0f} mm² in {power:,.0f} W",
            )
        idle = row.fill("idle_power", idle + standing, "W", "with the silicon of weights that stay written")
    if idle >= power:
        raise InfeasibleError(
            "a chip takes more, waiting, than its power limit",
            file="chips.csv",
            key=f"{entry.id}.idle_power",
            given=f"{idle:,.0f} W",
            allowed=f"less than {power:,.0f} W",
        )
    return idle


def _embodied_carbon(row: _Row, die_area: float, memory_bytes: float) -> float:
    stated = row.get("embodied_carbon")
    if stated is not None:
        return stated
    names = ("carbon_per_area", "carbon_per_memory", "carbon_of_board")
    per_area, per_byte, board = (_defaults().value(name) for name in names)
    value = per_area * die_area + per_byte * memory_bytes + board
    reason = "no product footprint: by die area, memory and board"
    return row.fill("embodied_carbon", value, "kg", reason, *names)


def _check_alone(entry: Entity, peak: Mapping[str, float]) -> None:
    """Refuse a chip of a technology that only multiplies: it has no host for everything else."""
    technology = registered(entry.text("technology", "gpu"))
    if technology.alone:
        return
    lacking = [] if peak else ["peak rate"]
    lacking += [name for name in ("memory_bytes", "memory_bandwidth") if name not in entry.numbers]
    rows = (one for one in table("substrates").values() if one.text("technology") == technology.name)
    known = next((f"gigawatt technologies compare --substrate {one.id}, or " for one in rows), "")
    raise MissingDataError(
        f"a chip of technology {technology.name} needs a digital host, and the catalog has none for it"
        + (f", nor a {' or '.join(lacking)}" if lacking else ""),
        file="chips.csv",
        key=entry.id,
        allowed=f"{known}a chip of technology hybrid with a row in hybrids.csv",
    )


def _fit(row: _Row) -> str:
    id, name = row.row.id, row.row.text("kernels")
    if name != id:
        grade = entity("kernels", _DEFAULT).evidence("gemm_share_bf16").grade
        reason = "no kernels of this chip were measured: "
        reason += f"those of {name}, its nearest kin" if name else "median of the measured chips"
        source = entity("kernels", name or _DEFAULT).rows()[0].source_id
        row.assumed.append(Assumption(f"chips.{id}.kernels", name or _DEFAULT, reason, grade, source))
    return name


def _arrays(row: _Row) -> Arrays | None:
    """The systolic arrays of a row that gives the edge of one; it must then give the rest too.

    A design has those of its kin, with vector units that grow with its own peak.
    """
    if row.get("array_edge") is None:
        kin = table("chips").get(row.row.text("kin") or row.row.text("kernels"))
        if kin is None or kin.id == row.row.id or "array_edge" not in kin.numbers:
            return None
        like, mine = _peaks(kin), _peaks(row.row)
        shared = [form for form in mine if form in like]
        arrays = _arrays(_Row(kin))
        return arrays.quicker(mine[shared[0]] / like[shared[0]]) if arrays is not None and shared else arrays
    return Arrays(
        edge=row.need("array_edge"),
        clock=row.need("array_clock"),
        memory=row.need("array_memory"),
        vector=row.need("vector_rate"),
        exponentials=row.need("exponentials"),
    )


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


def _silicon(id: str) -> str:
    """The chip of the same dies whose limit set J/FLOP and voltages; empty where it is ``id`` itself."""
    row = table("silicon").get(id)
    return "" if row is None else row.text("silicon")


def _operand_energy(form: str, fit: str, energy_byte: Mapping[str, float]) -> float:
    """J/FLOP of the operands of a large multiplication: through device memory and the caches."""
    width = BITS[form] / BITS["bf16"]
    dram = _defaults().value("gemm_dram_traffic") * energy_byte["dram"]
    return width * (dram + kernels(fit).on_chip_traffic * energy_byte["sram"])


def multiplication_energy(chip: Chip, form: str) -> float:
    """Whole J/FLOP above idle of a large multiplication in format ``form``, its operands included.

    At the voltage that the chip's ``silicon`` has in such a multiplication at its own power limit.
    """
    return chip.energy_flop[form] + _operand_energy(form, chip.kernels, chip.energy_byte)


def _sustained_share(fit: str) -> float:
    """Share of the peak that a large multiplication keeps up, of the kernels ``fit`` or the median of all."""
    own = table("kernels").get(fit)
    share = own.get("gemm_sustained_share") if own is not None else None
    return entity("kernels", _DEFAULT).value("gemm_sustained_share") if share is None else share


def sustained_rate(chip: Chip, form: str) -> float:
    """Rate [FLOP/s] that a large multiplication in format ``form`` keeps up at the chip's power limit."""
    return _sustained_share(chip.kernels) * chip.peak[form]


def _energy_flop(
    row: _Row, peak: Mapping[str, float], power: float, idle: float, energy_byte: Mapping[str, float]
) -> dict[str, float]:
    """J/FLOP such that a large multiplication at its sustained rate draws the power limit.

    power = idle + R·(e_flop + on-chip traffic·e_sram + memory traffic·e_dram), R = sustained share × peak.
    A chip with the dies of another has the joules of that one: a higher limit buys clock, not cheaper FLOP.
    """
    fit = row.row.text("kernels")
    silicon = _silicon(row.row.id)
    kin = catalog_chip(silicon) if silicon else None
    share = _sustained_share(fit)
    found: dict[str, float] = {}
    for form, rate in peak.items():
        stated = row.get(f"energy_flop_{form}")
        if stated is None and kin is not None and form in kin.energy_flop:
            stated = kin.energy_flop[form]
            row.fill(f"energy_flop_{form}", stated, "J/FLOP", f"the dies of {silicon}", "gemm_dram_traffic")
        elif stated is None:
            stated = max((power - idle) / (share * rate) - _operand_energy(form, fit, energy_byte), 0.0)
            row.fill(f"energy_flop_{form}", stated, "J/FLOP", _AT_LIMIT, "gemm_dram_traffic")
        found[form] = stated
    own_notes = [note for note in row.assumed if ".energy_flop_" in note.key]
    if own_notes:
        row.assumed = [note for note in row.assumed if note not in own_notes]
        value = ", ".join(f"{note.key.rsplit('_', 1)[1]} {note.value}" for note in own_notes)
        row.assumed.append(replace(own_notes[0], key=f"chips.{row.row.id}.energy_flop", value=value))
    return found
