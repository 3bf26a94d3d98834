"""The answer in sentences made from the numbers; the same in report, notebook and terminal."""

from __future__ import annotations

from gigawatt import catalog
from gigawatt.core.quantities import show
from gigawatt.core.result import Result
from gigawatt.faces.figures.readable import count, label, large, shown, significant, with_unit
from gigawatt.faces.report.parts import listed
from gigawatt.faces.report.trust import trust_words
from gigawatt.studies.run import words_serving
from gigawatt.studies.run.far_off import UPDATES, judged_step, step_band
from gigawatt.studies.run.figures_machine import layout_words
from gigawatt.studies.run.figures_power import plant_names
from gigawatt.studies.run.figures_tables import built, column, get_table
from gigawatt.studies.run.nines import next_nine_words
from gigawatt.studies.run.sayings import find, graded, model_words, money_parts, say, subject
from gigawatt.studies.run.uncertainty_words import spread_words, spreads

__all__ = ["binding_parts", "energy_shares", "find", "sentences", "subject", "topics"]


#: A smaller share of the year's energy that is not served stands in the notices, not in the sentence.
_NEGLIGIBLE = 1e-5


def sentences(result: Result) -> list[str]:
    """What it takes, the bottleneck and what would relieve it, power, sources, money, carbon and water.

    Each sentence ends with the worst grade of the numbers in it, unless intervals are drawn. What the result
    does not hold is left out.
    """
    return list(topics(result).values())


def topics(result: Result) -> dict[str, str]:
    """The sentences by topic, in the order in which they are read."""
    made = _SERVING if words_serving.is_serving(result) else _TRAINING
    return {name: text for name, make in made.items() if (text := make(result))}


def _training(result: Result) -> str:
    if find(result, "training.duration") is None:
        return ""
    model = model_words(result)
    tokens = find(result, "training.tokens")
    rollouts = find(result, "rl.outputs_step")
    text = f"Training {model}"
    if rollouts is not None:
        text = f"Reinforcement learning of {model} in {say(result, 'rl.steps')} steps"
    elif tokens is not None:
        text += f" on {large(float(tokens.value))} tokens"
    machine = f"{say(result, 'machine.count')} {subject(result, 'machine.chip')}".strip()
    spare = find(result, "machine.spare")
    if spare is not None and float(spare.value) > 0:
        machine += f" ({say(result, 'machine.used')} used, {shown(spare)} spare)"
    runs = find(result, "training.runs")
    if runs is not None and float(runs.value) > 1:
        each = f"{float(result['machine.count']) / float(runs.value):,.0f}"
        machine = (
            f"{each} {subject(result, 'machine.chip')} (one of {shown(runs)} runs on a campus of {machine})"
        )
    text += f" takes {machine} {say(result, 'training.duration')}"
    hours = find(result, "training.accelerator_hours")
    if hours is not None:
        text += f", {large(float(hours.value) / 3600.0)} accelerator-hours"
    step, real, mfu = (find(result, f"training.{n}") for n in ("step_time", "effective_step_time", "mfu"))
    if step is not None and mfu is not None:
        text += f": a step {_of_rollouts(result)}takes {shown(step)} at an MFU of {shown(mfu)}"
        if real is not None:
            text += f", {shown(real)} with its share of failures"
        besides = find(result, "training.overhead")
        if besides is not None and float(besides.value) > 0.0:
            text += f", and the whole run {shown(besides)} besides"
    return graded(result, text, ("training.duration", "training.step_time", "training.mfu"))


def _of_rollouts(result: Result) -> str:
    """What a step of reinforcement learning rolls out; empty of other training."""
    if find(result, "rl.outputs_step") is None:
        return ""
    mean, longest = (large(float(result[f"rl.response_{which}"])) for which in ("mean", "longest"))
    lengths = f"{mean} tokens each in the mean and {longest} the longest"
    return f"of {say(result, 'rl.outputs_step')} outputs, {lengths}, "


def _rollouts_error() -> str:
    """What published runs of reinforcement learning took beside what is predicted of them."""
    row = catalog.entity("uncertainty", "rollouts").evidence("published_over_predicted")
    ends = f"{significant(row.low or row.value)} to {significant(row.high or row.value)}"
    return (
        f" Whole steps of published reinforcement learning took {ends} times their prediction, "
        f"{significant(row.value)} in the middle; most publish no lengths."
    )


def _error(result: Result) -> str:
    """How far measured steps were from predicted ones, on sources that the fit had not seen."""
    found = step_band(result)
    if found is None:
        return ""
    low, high = (with_unit(value, "s") for value in found.step)
    days = ""
    if found.days is not None and not spreads(result):
        ends = " to ".join(map(significant, found.days))
        days = f", and with failures and what whole published runs took besides {ends} days"
    peak = " (all of the peak FLOP/s)" if found.at_peak else ""
    what = "the updates of a step take " if judged_step(result) == UPDATES else ""
    rollouts = _rollouts_error() if what else ""
    unlike = f" The run is unlike them: {'; '.join(found.outside)}." if found.outside else ""
    return (
        f"By the errors on runs of {found.band.groups} makers, each predicted by a fit that had not seen it, "
        f"{significant(found.band.low)} to {significant(found.band.high)} times the prediction holds "
        f"{found.share} of the measured steps of this kind: here {what}{low}{peak} to {high}{days}."
        f"{unlike}{rollouts}"
    )


def binding_parts(result: Result) -> list[tuple[str, float]]:
    """(part, share of the step) from the largest on."""
    frame = get_table(result, "breakdown")
    if frame is None:
        return []
    times = column(frame, "time")[0].astype(float)
    whole = float(times.sum())
    parts = [(label(str(n)), float(v) / whole if whole else 0.0) for n, v in times.items()]
    return sorted(parts, key=lambda item: -item[1])


def _binding(result: Result) -> str:
    parts = binding_parts(result)
    if not parts:
        return ""
    (first, share), rest = parts[0], [p for p in parts[1:3] if p[1] >= 0.005]
    text = f"The bottleneck is {first}: it takes {100 * share:.0f} % of the time"
    if rest:
        text += f", before {listed([f'{name} ({100 * s:.0f} %)' for name, s in rest])}"
    frame = get_table(result, "relief")
    if frame is not None:
        gains = column(frame, "gain")[0].astype(float).sort_values(ascending=False)
        name, gain = label(str(gains.index[0])), float(gains.iloc[0])
        verb = "halving" if "latency" in name or "launch" in name else "doubling"
        text += f"; {verb} {name} would shorten the step most, by {significant(100 * gain)} %"
        if len(gains) > 1 and float(gains.iloc[1]) > 0:
            text += f" (next: {label(str(gains.index[1]))}, {significant(100 * float(gains.iloc[1]))} %)"
    return graded(result, text, ("training.effective_step_time", "training.step_time"))


def _layout(result: Result) -> str:
    frame = get_table(result, "layouts")
    if frame is None:
        return ""
    best = frame.iloc[0]
    text = "The best layout"
    looked, fit = find(result, "layouts.looked_at"), find(result, "layouts.fit")
    if looked is not None and fit is not None:
        text += (
            f" of {count(float(looked.value))} evaluated, of which {count(float(fit.value))} fit in memory,"
        )
    text += f" is {layout_words(best)}"
    memory = get_table(result, "memory")
    held, unit = column(frame, "memory")
    text += f"; it uses {with_unit(float(held.iloc[0]), unit)}"
    if memory is not None and "capacity" in memory.index:
        sizes, sizes_unit = column(memory, "bytes")
        text += f" of the {with_unit(float(sizes['capacity']), sizes_unit)} of an accelerator"
    return f"{text}."


def _facility(result: Result) -> str:
    if find(result, "facility.power_mean") is None:
        return ""
    text = f"The facility draws {say(result, 'facility.power_mean')} on average"
    if find(result, "facility.power_peak") is not None:
        text += f" and {say(result, 'facility.power_peak')} in its highest hour"
    if find(result, "facility.power_nameplate") is not None:
        text += f", of {say(result, 'facility.power_nameplate')} that its nodes are rated for"
    if find(result, "facility.pue") is not None:
        text += f" (PUE {say(result, 'facility.pue')})"
    yearly = [say(result, n) for n in ("facility.energy", "facility.water") if find(result, n) is not None]
    if yearly:
        yearly = [y.removesuffix(" a year") for y in yearly]
        if len(yearly) == 2:
            dry = float(result["facility.water"]) == 0.0
            yearly[1] = "no water on site" if dry else f"{yearly[1]} of water on site"
        text += f": {listed(yearly)} in a year"
    behind = find(result, "supply.grid_water")
    if behind is not None and float(result["supply.grid_water"]) > 0.0:
        text += f"; plants behind the grid consume {say(result, 'supply.grid_water').removesuffix(' a year')}"
    known = ("facility.power_mean", "facility.energy", "facility.water", "supply.grid_water")
    return graded(result, text, known)


def energy_shares(result: Result) -> list[tuple[str, float, float]]:
    """(plant, MW, share of the energy that plants and grid give) of what is built; storage has share 0."""
    frame = get_table(result, "plants")
    if frame is None:
        return []
    size, made, names = column(frame, "capacity")[0], column(frame, "energy")[0], plant_names(result)
    stores = column(frame, "store")[0] if any(str(c).startswith("store") for c in frame.columns) else made * 0
    total = float(sum(v for v, s in zip(made, stores, strict=True) if s <= 0)) or 1.0
    rows = [
        (
            names.get(str(n), label(str(n))),
            float(size.iloc[i]),
            0.0 if stores.iloc[i] > 0 else float(made.iloc[i]) / total,
        )
        for i in built(frame)
        for n in [frame.index[i]]
    ]
    return sorted(rows, key=lambda row: (-row[2], -row[1]))


def _supply(result: Result) -> str:
    rows = energy_shares(result)
    if not rows:
        return ""
    said = [
        f"{name} {with_unit(size, 'MW')}" + (f" ({_share(share)} of the energy)" if share > 0 else "")
        for name, size, share in rows
    ]
    text = f"The cheapest supply that carries it is {listed(said)}"
    if find(result, "supply.electricity_cost") is not None:
        text += f"; its electricity costs {say(result, 'supply.electricity_cost')}"
    if find(result, "supply.carbon_intensity") is not None:
        text += f" and emits {say(result, 'supply.carbon_intensity')}"
    lacking = find(result, "supply.not_served")
    energy = find(result, "facility.energy")
    least = _NEGLIGIBLE * float(energy.value) if energy is not None else 0.0
    if lacking is not None and float(lacking.value) > least:
        text += f"; {shown(lacking)} a year are not served".replace(" a year a year", " a year")
    if (short := find(result, "supply.lolh")) is not None:
        text += (
            f"; as whole units that fail it is short {show(float(short.value), 'h', 3)} a year (LOLH; EUE "
            f"{say(result, 'supply.eue')}), most by outages of {say(result, 'supply.worst_outage')}"
            f"{next_nine_words(result)}"
        )
    return graded(result, text, ("supply.electricity_cost", "supply.carbon_intensity"))


def _share(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.01 else "under 1 %"


def _money(result: Result) -> str:
    if find(result, "ledger.run_cost") is None:
        return words_serving.LAST["money"](result)
    text = f"The run costs {say(result, 'ledger.run_cost')}{money_parts(result, 'run')}"
    if find(result, "ledger.total_capital") is not None:
        text += f"; {say(result, 'ledger.total_capital')} has to be spent before anything runs"
    if find(result, "ledger.annual_cost") is not None:
        annual = say(result, "ledger.annual_cost").removesuffix(" a year")
        text += f", and the campus costs {annual} a year"
    return graded(result, text, ("ledger.run_cost", "ledger.total_capital", "ledger.annual_cost"))


def _tokens(result: Result) -> str:
    said: list[str] = []
    names = ("cost", "energy", "carbon_operational", "carbon_embodied", "water")
    words = ("{}", "{} of electricity", "{} CO2e in operation", "{} CO2e embodied", "{} of water")
    for name, word in zip(names, words, strict=True):
        if find(result, f"ledger.{name}_per_mtoken") is not None:
            said.append(word.format(say(result, f"ledger.{name}_per_mtoken").replace("/Mtoken", "")))
    if not said:
        return ""
    return graded(result, f"A million tokens take {listed(said)}", [f"ledger.{n}_per_mtoken" for n in names])


def _trust(result: Result) -> str:
    return trust_words(result.assumptions)


_TRAINING = {
    "training": _training, "error": _error, "binding": _binding, "layout": _layout, "facility": _facility,
    "supply": _supply, "money": _money, "tokens": _tokens, "uncertainty": spread_words, "trust": _trust,
}  # fmt: skip
_SERVING = (
    words_serving.FIRST
    | {"facility": _facility, "supply": _supply}
    | words_serving.LAST
    | {"uncertainty": spread_words, "trust": _trust}
)
