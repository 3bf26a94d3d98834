"""Questions and configurations of models with odd values: an answer, or one line of error, within seconds.

``python benchmarks/fuzz_questions.py --draws 100000`` counts what ends otherwise: tracebacks, errors of more
than one line, and draws that take longer than 10 s of processor time (or a minute in all). Questions are
read, filled and evaluated up to what needs no supply plan, the size included; configurations are spoilt
copies of those in a folder.
"""

from __future__ import annotations

import argparse
import copy
import json
import random
import signal
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from gigawatt.chain.asking import COSTLY
from gigawatt.chain.graph import graph_of, refuse_unread
from gigawatt.chain.leaves import fill_leaves
from gigawatt.core.errors import GigawattError
from gigawatt.schema.changed import scenario_of
from gigawatt.schema.fields import FIELDS
from gigawatt.schema.settings import read_setting
from gigawatt.studies.pathway.question import read_pathway_question
from gigawatt.studies.supply.question import read_supply_question
from gigawatt.workload import read_architecture

__all__ = ["bad_configurations", "bad_questions", "configurations"]

SECONDS, MINUTE = 10, 60
ODD = (
    "", "0", "-1", "1e400", "nan", "inf", "1,5 MW", "[]", "{}", "null", "true", "x" * 300, "2025: 1 MW",
    "2025: 1 MW, 2024: 2 MW", "{a: b}", "1 MW", "5 %", "60 $/MWh", "300 mW", "{gas-turbine: 5 MW}", "grid",
    "grid,solar", "7", "/dev/zero", "2030: 1 GW, 2035: x", "1 $/t", "{natural-gas: 2025}", "1d", "flat", ": ",
    "10 GW", "1e9", "2000000", "10,000", "1e-300 W", "99.999 %", "1 kW", "1 YW", "0.5", "3e38",
)  # fmt: skip
BASES: tuple[dict[str, object], ...] = (
    {"model": "llama-3.1-8b", "training.tokens": "1T tokens", "machine.chip": "H100", "machine.count": 64,
     "site.name": "virginia", "supply.plants": ["grid"]},
    {"model": "llama-3.1-8b", "serving.demand": "10 requests/s", "machine.chip": "H100",
     "site.name": "virginia", "supply.plants": ["grid"]},
    {"site": "texas", "load": "100 MW", "supply.plants": ["grid"]},
    {"model": "qwen3-vl-30b-a3b", "serving.demand": "1M requests/day", "machine.chip": "H200",
     "supply.price": "80 $/MWh"},
    {"model": "qwen2.5-7b", "rl.steps": 650, "machine.chip": "H100", "machine.count": 64,
     "site.name": "virginia", "supply.plants": ["grid"]},
)  # fmt: skip
OTHER_FORMS: dict[str, tuple[str, ...]] = {
    "serving.adapters": ("8", "1e9", "0; rank=16", "16; rank=0", "16; rank=1e9", "64; rank=8; slots=2",
                         "64; popularity=zipf(0)", "64; popularity=zipf(-1)", "64; popularity=uniform", ";"),
    "serving.images": ("1", "0 of 1024x768", "2 of 0x768", "1e6 of 1x1", "1 of 99999x99999", "2 of 1024"),
    "serving.audio": ("0 s", "-1 s", "1 d", "30", "1e9 s"),
    "serving.demand": ("1M requests/day", "100k users", "100k users at 5 requests/day", "5 tokens/s",
                       "1e14 users", "0 requests/s", "1 request/year"),
    "serving.objective": ("ttft 120 ms, tpot 12 ms, p90", "ttft=1us,tpot=1us,p99", "p100", "e2e=1s,p0"),
    "serving.sessions": ("codex-swe-bench", "codex-swe-bench; turns=0", "codex-swe-bench; turns=1e9"),
    "serving.tiers": ("host=0GB", "ssd=4TB@0GB/s", "host=1e30GB", "disk=1GB"),
    "supply.plants": ("grid, solar", "solar", "[wind-onshore, battery]", "[grid, grid]"),
    "machine.count": ("1", "2", "3", "1.5 million", "24k", "2,000,000", "1e12", "1.5"),
    "machine.power": ("1 kW", "1 MW", "1 GW", "10 TW"),
    "machine.power_cap": ("1 W", "200 W", "100 kW"),
    "economics.budget": ("1 $", "1 k$", "1e15 $"),
    "training.deadline": ("1 s", "1 h", "1000 years"),
    "training.adapters": ("0", "1e9", "-3"),
    "rl.response": ("1", "lognormal(median=0, p90=1)", "normal(1, 2)"),
}  # fmt: skip
"""What else a user may type into fields with a grammar of their own, in range or far outside it."""
_SPOILT: tuple[Any, ...] = (None, 0, -1, 1, 1.5, "", "x", [], {}, True, 1e308, 10**18, 10**400, [[]], "1e9")
_DEAR = COSTLY[1] | {"supply.plan"}


class _Late(BaseException):
    """A draw took too long; no ``Exception``, so that nothing under test catches it."""


@contextmanager
def _within(seconds: int) -> Iterator[None]:
    def late(*_: object) -> None:
        raise _Late

    clocks = {signal.SIGPROF: (signal.ITIMER_PROF, seconds), signal.SIGALRM: (signal.ITIMER_REAL, MINUTE)}
    before = {name: signal.signal(name, late) for name in clocks}
    for clock, length in clocks.values():
        signal.setitimer(clock, length)
    try:
        yield
    finally:
        for name, (clock, _) in clocks.items():
            signal.setitimer(clock, 0)
            signal.signal(name, before[name])


def _ask(draw: random.Random, settings: dict[str, Any], evaluate: bool) -> None:
    """Read one question; evaluate what needs no plan of the supply."""
    kind = draw.random()
    if kind >= 0.85:
        read_pathway_question(site="texas", load="10 MW", settings=settings)
    elif kind >= 0.7:
        read_supply_question(site="texas", load="10 MW", settings=settings)
    else:
        loaded = scenario_of(draw.choice(BASES) | settings, Path("question"))
        graph = graph_of(loaded)
        refuse_unread(loaded, graph)
        leaves, _ = fill_leaves(loaded)
        if evaluate:
            free = [name for name in graph.nodes if not _DEAR & set(graph.order([name]))]
            graph.evaluate(leaves, targets=free)


ANSWERED: Counter[bool] = Counter()
"""How many draws of this process were answered, and how many refused."""


def _outcome(call: Any) -> str:
    """``""`` where a call answers or refuses in one line within seconds; else what went wrong."""
    try:
        with _within(SECONDS):
            call()
        ANSWERED[True] += 1
    except GigawattError as error:
        ANSWERED[False] += 1
        return f"more than one line: {error}" if "\n" in str(error) else ""
    except _Late:
        return f"no answer in {SECONDS} s"
    except Exception:
        return traceback.format_exc().strip()
    return ""


def bad_questions(seed: int, draws: int, *, evaluate: bool = True) -> Iterator[tuple[str, str]]:
    """(settings, what went wrong) of questions whose fields have odd values, or those of another field."""
    draw = random.Random(seed)
    for _ in range(draws):
        fields = draw.sample(FIELDS, draw.randint(1, 3))
        swapped = draw.choice(FIELDS).example
        values = [
            draw.choice([*ODD, swapped, *OTHER_FORMS.get(one.key, ()) * 4, *[one.example] * 60])
            for one in fields
        ]
        texts = {one.key: value for one, value in zip(fields, values, strict=True)}

        def call(texts: dict[str, str] = texts) -> None:
            _ask(draw, {key: read_setting(key, text) for key, text in texts.items()}, evaluate)

        said = _outcome(call)
        if said:
            yield str(texts), said


def configurations(folder: Path) -> list[dict[str, Any]]:
    """Configurations of models in a folder, in the order of their names."""
    return [json.loads(file.read_text(encoding="utf-8")) for file in sorted(folder.glob("*.json"))]


def _spoil(draw: random.Random, given: dict[str, Any]) -> dict[str, Any]:
    spoilt = copy.deepcopy(given)
    for _ in range(draw.randint(1, 3)):
        at = spoilt
        while True:
            if not at:
                break
            key = draw.choice(sorted(at))
            if isinstance(at[key], dict) and draw.random() < 0.7:
                at = at[key]
                continue
            if draw.random() < 0.25:
                del at[key]
            else:
                at[key] = draw.choice(_SPOILT)
            break
    return spoilt


def bad_configurations(
    seed: int, draws: int, known: Sequence[dict[str, Any]], folder: Path
) -> Iterator[tuple[str, str]]:
    """(configuration, what went wrong) of spoilt copies of known ones, written to ``folder``."""
    draw, file = random.Random(seed), folder / f"{seed}.json"
    for _ in range(draws):
        text = json.dumps(_spoil(draw, draw.choice(known)))
        file.write_text(text, encoding="utf-8")
        said = _outcome(lambda: read_architecture(file))
        if said:
            yield text, said


def _part(work: tuple[int, int, int, str]) -> tuple[list[tuple[str, str]], int, float]:
    seed, questions, models, folder = work
    ANSWERED.clear()
    started = time.process_time()
    warnings.simplefilter("error")
    found = list(bad_questions(seed, questions))
    if models:
        with TemporaryDirectory() as made:
            found += bad_configurations(seed, models, configurations(Path(folder)), Path(made))
    return found, ANSWERED[True], time.process_time() - started


def main() -> None:
    """Draw, and print what ends badly, by its last line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--models", default="", help="folder of configurations: half of the draws")
    parser.add_argument("--show", type=int, default=10)
    said = parser.parse_args()
    chunk = 250
    half = chunk // 2 if said.models else 0
    work = [(said.seed + i, chunk - half, half, said.models) for i in range(max(said.draws // chunk, 1))]
    kinds: Counter[str] = Counter()
    examples: dict[str, tuple[str, str]] = {}
    seconds, answered = 0.0, 0
    with ProcessPoolExecutor(said.processes) as pool:
        for found, good, spent in pool.map(_part, work):
            seconds, answered = seconds + spent, answered + good
            for settings, wrong in found:
                kind = wrong.splitlines()[-1][:100]
                kinds[kind] += 1
                examples.setdefault(kind, (settings, wrong))
    drawn = len(work) * chunk
    print(f"{drawn:,} draws in {seconds:,.0f} CPU-s: {answered:,} answered, {sum(kinds.values())} end badly")
    for kind, number in kinds.most_common(said.show):
        settings, wrong = examples[kind]
        print(f"\n{number} x {kind}\n  {settings[:400]}\n  " + "\n  ".join(wrong.splitlines()[-9:]))


if __name__ == "__main__":
    main()
