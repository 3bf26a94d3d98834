"""An answer of the quantum room as a document: an energy, an optimum, a run's needs, a break-even."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from gigawatt.core.document import Again, Card, Document, Grid, Part, Points, Section
from gigawatt.faces.figures.readable import count, large, significant, with_unit
from gigawatt.faces.report.drawings import drawn
from gigawatt.faces.report.held import Rows, held_section, held_words, published, rest, rows_words
from gigawatt.faces.report.parts import amount, listed, rows_grid, spread, with_percent
from gigawatt.studies.quantum.figures import chances, energies, noise, sides, steps

__all__ = ["document", "more"]

Answer = Mapping[str, Any]

_LIMITS = {
    "factories": "the factories of magic states",
    "reaction": "the reaction of the classical control",
}


def more(folder: Path) -> Rows:
    """What is published beside the answer, from ``published.json``."""
    return published(folder)


def _hartree(value: float) -> str:
    return f"{value:.8f} Ha".replace("-", "−")


def _milli(value: float) -> str:
    """A distance in mHa, with its sign; what is below the simulator's digits is none."""
    text = f"{value * 1e3:+.4f}".replace("-", "−")
    return "0.0000" if text[1:] == "0.0000" else text


def _time(seconds: float | None) -> str:
    return "for ever" if seconds is None else amount(seconds, "s")


def _band(values: list[float], unit: str) -> str:
    middle, low, high = values
    return f"{amount(middle, unit)} ({spread(low, high, unit)})"


def _watts(answer: Answer) -> list[float]:
    return [joules / answer["seconds"] for joules in answer["run"]["joules"]]


def _error(value: float) -> str:
    """The error of a gate: ``3.2e-5``."""
    stem, _, power = f"{value:.2g}".partition("e")
    return f"{stem}e{int(power)}" if power else stem


def _setting(value: float) -> str:
    return large(value) if value >= 1e6 else _error(value) if value < 1.0 else f"{value:g}"


def _asked(answer: Answer) -> Grid:
    rows = [
        (key, _setting(value) if isinstance(value, float) else value)
        for key, value in answer["asked"].items()
    ]
    return rows_grid("As the command read it, with its defaults.", ("what", "value"), rows)


# an energy


def _reach(answer: Answer, key: str) -> float | None:
    """The largest gate error up to which every one that was tried leaves the energy accurate."""
    good: float | None = None
    for row in sorted(answer["noise"], key=lambda one: one["gate_error"]):
        if abs(row[key]) > answer["shots"]["error"]:
            break
        good = row["gate_error"]
    return good


def _noise_words(answer: Answer) -> str:
    if not answer["noise"]:
        return "Noise was not simulated."
    said: list[str] = []
    for key, words in (("raw", "as read"), ("mitigated", "extrapolated to no noise")):
        good = _reach(answer, key)
        said.append(f"{words} {'at none' if good is None else f'up to {_error(good)}'}")
    return (
        f"Of the errors of a two-qubit gate that were simulated, noise leaves it within "
        f"{answer['shots']['error'] * 1e3:g} mHa {' and '.join(said)}."
    )


def _energy_words(answer: Answer) -> tuple[str, str]:
    """(question and result, bottleneck) of an energy."""
    shots = answer["shots"]
    accuracy = f"{shots['error'] * 1e3:g} mHa"
    within = "within" if abs(answer["error"]) <= shots["error"] else "beyond"
    question = (
        f"The question was the lowest energy of {answer['molecule']}, atoms {answer['bond'] * 1e10:g} Å "
        f"apart, by the variational eigensolver ({answer['ansatz']}, {answer['optimiser']}) on a simulated "
        f"machine of {answer['qubits']} qubits."
    )
    result = (
        f"It is {_hartree(answer['energy'])}, {_milli(answer['error'])} mHa from the exact "
        f"{_hartree(answer['exact'])} of the same orbitals, {within} chemical accuracy ({accuracy}); the "
        f"mean field has {_hartree(answer['hartree_fock'])}."
    )
    bottleneck = (
        f"The bottleneck is reading it on a machine: {significant(shots['shots'])} shots in "
        f"{shots['groups']} settings for one energy to {accuracy}, and a minimisation needs many "
        f"({count(answer['evaluations'])} here)."
    )
    return f"{question} {result}", f"{bottleneck} {_noise_words(answer)}"


def _energy_facts(answer: Answer) -> Grid:
    shots = answer["shots"]
    facts = [
        ("energy", _hartree(answer["energy"])),
        ("from exact", f"{_milli(answer['error'])} mHa"),
        ("exact, same orbitals", _hartree(answer["exact"])),
        ("exact, all orbitals of the basis", _hartree(answer["full"])),
        ("mean field", _hartree(answer["hartree_fock"])),
        ("distance of neighbours", f"{answer['bond'] * 1e10:g} Å"),
        ("qubits", count(answer["qubits"])),
        ("angles", count(answer["parameters"])),
        ("two-qubit gates, compiled plainly", count(answer["two_qubit_gates"])),
        ("energies evaluated", count(answer["evaluations"])),
        (f"shots to read it to {shots['error'] * 1e3:g} mHa", significant(shots["shots"])),
        ("settings in which they are read", count(shots["groups"])),
        ("integrals", answer["source"]),
    ]
    return rows_grid("The energy, and what it takes.", ("what", "value"), facts)


def _energy(answer: Answer, rows: Rows, again: Again) -> Document:
    fell = drawn("energies", partial(energies, answer),
                 "Simulated without noise; the line is chemical accuracy.",
                 table=True)  # fmt: skip
    sections = [Section("answer", "The answer", (_energy_facts(answer), fell))]
    if answer["noise"]:
        table = rows_grid(
            "Error of the energy under noise.", ("error of a two-qubit gate", "as read [mHa]",
                                                 "extrapolated [mHa]"),
            [(_error(one["gate_error"]), significant(one["raw"] * 1e3), significant(one["mitigated"] * 1e3))
             for one in answer["noise"]],
        )  # fmt: skip
        words = "Depolarising gates and errors of readout, angles as without noise; folds of 1, 3 and 5."
        sections.append(
            Section("noise", "Under noise", (drawn("noise", partial(noise, answer), words), table))
        )
    cards = (
        Card("Energy", _hartree(answer["energy"])),
        Card("From exact", f"{_milli(answer['error'])} mHa"),
        Card("Shots to read it", significant(answer["shots"]["shots"])),
    )
    return _document(
        answer, rows, again, f"The energy of {answer['molecule']}, {answer['bond'] * 1e10:g} Å",
        f"{answer['ansatz']} · {answer['optimiser']} · {answer['qubits']} qubits",
        (*_energy_words(answer), held_words(rows, "energies of molecules")), cards, sections,
        "energies of molecules",
    )  # fmt: skip


# a piece of model development


def _optimum_words(answer: Answer) -> tuple[str, str, str]:
    """(question and result, bottleneck, uncertainty) of an optimisation."""
    last = answer["quantum"][-1]
    question = (
        f"The question was which of {count(answer['combinations'])} combinations is best, on "
        f"{answer['qubits']} qubits: {answer['choice']}, judged by the {answer['unit']}."
    )
    solved = [f"{one['method']} in {with_unit(one['seconds'], 's')} with {amount(one['joules'], 'J')}"
              for one in answer["classical"]]  # fmt: skip
    of_machine = (
        "the machine can hold it"
        if abs(answer["best_of_machine"] - answer["best"]) <= 1e-9 * abs(answer["best"])
        else "the least of what the machine minimises instead has "
        f"{significant(answer['best_of_machine'], 4)}"
    )
    result = (
        f"The best is {significant(answer['best'], 4)}, proved by {listed(solved)}; {of_machine}. A "
        f"shot of QAOA of {last['depth']} {'layer' if last['depth'] == 1 else 'layers'} is its optimum in "
        f"{_chance(last['optimum'])} of the cases, an even draw in {_chance(last['even'])}."
    )
    bottleneck = (
        f"The bottleneck is the search for the angles: {count(last['shots_of_angles'])} of the shots are for "
        f"them; with them the machine takes {_time(last['seconds'])} and {_joules(last)}."
    )
    uncertainty = (
        "Uncertainty: the circuit was simulated exactly, without noise, and the optimum is proved; nothing "
        "published is of this piece."
    )
    return f"{question} {result}", bottleneck, uncertainty


def _joules(depth: Answer) -> str:
    """Energy of a number of layers, where the machine ever ends."""
    return "–" if depth["joules"] is None else amount(depth["joules"], "J")


def _optimum_sections(answer: Answer) -> list[Section]:
    heads = ("layers", "optimum a shot", "even draw", "ratio", "ratio of an even draw", "gates",
             "shots for 99 %", "shots for the angles", "time", "energy")  # fmt: skip
    depths = [
        (
            one["depth"], _chance(one["optimum"]), _chance(one["even"]), f"{one['ratio']:.3f}",
            f"{one['ratio_of_an_even_draw']:.3f}", count(one["gates"]),
            "–" if one["shots_noisy"] is None else large(round(one["shots_noisy"])),
            count(one["shots_of_angles"]), _time(one["seconds"]), _joules(one),
        )
        for one in answer["quantum"]
    ]  # fmt: skip
    solvers = [
        (one["method"], significant(one["value"], 4), with_unit(one["seconds"], "s"),
         amount(one["joules"], "J"))
        for one in answer["classical"]
    ]  # fmt: skip
    facts = [
        ("best", f"{significant(answer['best'], 4)} ({answer['unit']})"),
        ("best by what the machine minimises", significant(answer["best_of_machine"], 4)),
        ("its answer", answer["answer_of_machine"]),
        ("qubits", count(answer["qubits"])),
        ("combinations", count(answer["combinations"])),
    ]
    return [
        Section("answer", "The answer", (
            rows_grid("The piece and its optimum.", ("what", "value"), facts),
            rows_grid("Exact classical solvers, timed here.", ("solver", "value", "time", "energy"), solvers),
        )),
        Section("layers", "By number of layers", (
            drawn("chances", partial(chances, answer), "Exact simulation without noise."),
            rows_grid("QAOA, its shots under the crudest noise, and what they take.", heads, depths),
        )),
    ]  # fmt: skip


def _optimum(answer: Answer, rows: Rows, again: Again) -> Document:
    last = answer["quantum"][-1]
    cards = (
        Card("Best", significant(answer["best"], 4), what=answer["unit"]),
        Card("Optimum a shot", _chance(last["optimum"])),
        Card("Energy with its angles", _joules(last)),
    )
    return _document(
        answer, rows, again, f"{answer['choice'][:1].upper()}{answer['choice'][1:]}",
        f"QAOA · {answer['qubits']} qubits", _optimum_words(answer), cards, _optimum_sections(answer), "",
    )  # fmt: skip


def _chance(value: float) -> str:
    return f"{significant(100 * value)} %"


# a run on a fault-tolerant machine


def _run_words(answer: Answer) -> tuple[str, str]:
    """(question, result, bottleneck and relief; power and money) of a fault-tolerant run."""
    question = (
        f"The question was what {answer['name']}, with {amount(answer['toffolis'], '1')} Toffolis, takes on "
        "a fault-tolerant machine of the surface code."
    )
    result = (
        f"It takes {large(answer['physical_qubits'])} physical qubits for {_time(answer['seconds'])}, at "
        f"distance {answer['distance']} with {answer['factories']} factories; a run fails in "
        f"{with_percent(answer['failure'], 1)} of the cases."
    )
    bottleneck = (
        "The bottleneck of its time is the reaction of the classical control in additions, and rounds of "
        "checks in look-ups."
    )
    if "limit" in answer:
        parts = answer["parts"]
        most = max(parts, key=lambda name: parts[name])
        bottleneck = (
            f"The bottleneck of its time is {_LIMITS[answer['limit']]}; most of the qubits are {most} "
            f"({with_percent(parts[most] / answer['physical_qubits'])})."
        )
    power = (
        f"It would draw {_band(_watts(answer), 'W')} and spend {_band(answer['run']['joules'], 'J')}, "
        f"{_band(answer['run']['dollars'], '$')}: the bands are of the ranges of the rows, most of them "
        "guesses, and their middles are not to be quoted."
    )
    return " ".join(filter(None, (question, result, bottleneck, _relief(answer["ladder"])))), power


def _relief(ladder: list[Answer]) -> str:
    if not ladder:
        return ""
    first, last = ladder[0], ladder[-1]
    pairs = [(after["change"], before["qubits"] / after["qubits"]) for before, after in pairwise(ladder)]
    most = max(pairs, key=lambda pair: pair[1])[0]
    return (
        f"What relieves it are better layouts: from {large(first['qubits'])} qubits and "
        f"{significant(first['days'])} days to {large(last['qubits'])} and {significant(last['days'])} "
        f"days on the same physical machine, most of all by {most}."
    )


def _run_sections(answer: Answer) -> list[Section]:
    ladder = answer["ladder"]
    facts = [
        ("physical qubits", f"{answer['physical_qubits']:,.0f}"),
        ("time", _time(answer["seconds"])),
        ("distance of the code", count(answer["distance"])),
        ("factories of magic states", f"{answer['factories']} {answer.get('factory', '')}".strip()),
        ("chance that a run fails", with_percent(answer["failure"], 1)),
        ("Toffolis", amount(answer["toffolis"], "1")),
        ("power", _band(_watts(answer), "W")),
        ("energy", _band(answer["run"]["joules"], "J")),
        ("money", _band(answer["run"]["dollars"], "$")),
    ]
    facts += [
        ("of the other estimator qdk", f"{large(one['qubits'])} qubits, {_time(one['seconds'])}")
        for one in answer["qdk"]
    ]
    caption = "Physical qubits by part." if not ladder else "Physical qubits after each change since 2019."
    if ladder:
        changes = [(one["change"], large(one["qubits"]), significant(one["days"])) for one in ladder]
        heads = ("change", "qubits", "days")
        table = rows_grid("What changed, on the same physical machine.", heads, changes)
    else:
        parts = [
            (name, large(value), with_percent(value / answer["physical_qubits"]))
            for name, value in answer.get("parts", {"all": answer["physical_qubits"]}).items()
        ]
        table = rows_grid("Qubits by part.", ("part", "qubits", "share"), parts)
    return [
        Section("answer", "The answer", (rows_grid("What a run takes.", ("what", "value"), facts),)),
        Section("qubits", "Where the qubits go", (drawn("qubits", partial(steps, answer), caption), table)),
    ]


def _run(answer: Answer, rows: Rows, again: Again) -> Document:
    watts = _watts(answer)
    cards = (
        Card("Physical qubits", large(answer["physical_qubits"])),
        Card("Time", _time(answer["seconds"])),
        Card("Power", amount(watts[0], "W"), answer["rows"]["weakest"], band=spread(watts[1], watts[2], "W")),
    )
    return _document(
        answer, rows, again, f"A fault-tolerant run: {answer['name']}",
        f"surface code · distance {answer['distance']}",
        (*_run_words(answer), held_words(rows, "fault-tolerant runs")), cards, _run_sections(answer),
        "fault-tolerant runs",
    )  # fmt: skip


# both ways to the same answer


def _break_even(answer: Answer, rows: Rows, again: Again) -> Document:
    quantum, classical = answer["quantum"], answer["classical"]
    question = (
        f"The question was whether a quantum machine takes less than the classical way to the same answer "
        f"({answer['problem']})."
    )
    verdict = str(answer["verdict"])
    joules, dollars = answer["joules"], answer["dollars"]
    result = (
        f"{verdict[:1].upper()}{verdict[1:]}. It takes {_band(quantum['joules'], 'J')} beside "
        f"{_band(classical['joules'], 'J')}: {_band(joules, '1')} times as much energy, and "
        f"{_band(dollars, '1')} times the money."
    )
    times = (
        f"The quantum way ({quantum['what']}) takes {_time(quantum['seconds'][0])}, the classical one "
        f"({classical['what']}) {_time(classical['seconds'][0])}. The low end of a ratio is the quantum "
        "machine at its best beside the classical one at its worst."
    )
    uncertainty = held_words(rows, "the quantum side") or (
        "Uncertainty: nothing published is of this question; the bands are of the ranges of the rows."
    )
    ways = [
        (words, one["what"], _time(one["seconds"][0]), _band(one["joules"], "J"), _band(one["dollars"], "$"))
        for words, one in (("quantum", quantum), ("classical", classical))
    ]
    ratios = [("energy", *(amount(x, "1") for x in joules)), ("money", *(amount(x, "1") for x in dollars))]
    sections = [
        Section("answer", "The answer", (
            drawn("sides", partial(sides, answer), "Bands from the ranges of the catalog's rows."),
            rows_grid("Both ways, each with its band.", ("way", "what", "time", "energy", "money"), ways),
            rows_grid("Quantum over classical.", ("of", "middle", "low end", "high end"), ratios),
        )),
        Section("notes", "What was left out", (Points(tuple(_sentence(note) for note in answer["notes"])),)),
    ]  # fmt: skip
    grade = answer["rows"]["weakest"]
    cards = (
        Card("Energy, quantum over classical", amount(joules[0], "1"), grade,
             band=spread(joules[1], joules[2], "1")),
        Card("Money, quantum over classical", amount(dollars[0], "1"), grade,
             band=spread(dollars[1], dollars[2], "1")),
    )  # fmt: skip
    return _document(
        answer, rows, again, f"Break-even: {answer['problem']}", f"{answer['asked']['machine']} machine",
        (f"{question} {result}", times, uncertainty), cards, sections, "the quantum side",
    )  # fmt: skip


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _document(
    answer: Answer, rows: Rows, again: Again, title: str, setting: str, paragraphs: tuple[str, ...],
    cards: tuple[Card, ...], sections: list[Section], what: str,
) -> Document:  # fmt: skip
    """What all four have alike: its rows, published numbers and settings; ``what`` names the numbers."""
    asked: tuple[Part, ...] = (_asked(answer),)
    return Document(
        title=title,
        setting=setting,
        paragraphs=(*(one for one in paragraphs if one), rows_words(answer)),
        again=again,
        short=("answer", "layers", "noise", "ladder", "notes"),
        cards=cards,
        sections=(*sections, *held_section(rows, what), Section("asked", "What was asked", asked)),
        **rest(answer, again),
    )


_KINDS: Mapping[str, Callable[[Answer, Rows, Again], Document]] = {
    "vqe": _energy,
    "optimise": _optimum,
    "resources": _run,
    "break-even": _break_even,
}


def document(answer: Answer, again: Again, more: Any = None) -> Document:
    """Everything that the report of an answer says; ``more`` is what is published beside it."""
    return _KINDS[answer["kind"]](answer, more or (), again)
