"""Reports of studies: computed small, read back, parsed as HTML and Markdown, held to their numbers."""

from __future__ import annotations

import json
import re
import shlex
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import typer
from made_result import HOSTILE, make_result
from markdown_it import MarkdownIt
from test_report import Page

from gigawatt.core import registry
from gigawatt.core.document import Again, Cell, Document, Grid, Points, Section, Text
from gigawatt.core.evidence import Grade
from gigawatt.core.record import read_record
from gigawatt.core.store import load_result, save_result
from gigawatt.faces.report import html, markdown
from gigawatt.faces.report.drawings import table_of
from gigawatt.faces.report.markdown import escaped
from gigawatt.faces.report.stored import stored
from gigawatt.faces.terminal.app import app, main
from gigawatt.studies.run.document import document as result_document

pytestmark = pytest.mark.apart

EXAMPLES = Path(__file__).parents[2] / "examples"
TEXAS = str(EXAMPLES / "llama-3.1-405b-texas.yaml")
SMALL = ("--set", "model=llama-3.1-8b", "--set", "training.tokens=1T tokens")
SCENARIO = """\
name: {name}
model: llama-3.1-8b
training: {{tokens: {tokens}}}
machine: {{chip: H100-SXM5-80GB, count: {count}}}
site: {{name: abilene-texas}}
supply: {{plants: [grid]}}
"""
STUDY = """\
name: Two sizes
base: one.yaml
over:
  machine.count: [64, 128]
  training.tokens: [1T tokens, 2T tokens]
"""
QUESTIONS: dict[str, tuple[str, ...]] = {
    "compare": ("compare", "one.yaml", "two.yaml", "--of", "training.duration"),
    "sweep": ("sweep", "show", "store"),
    "solve": ("solve", TEXAS, *SMALL, "--find", "machine.count=64|128|256", "--maximise", "training.mfu",
              "--limit", "training.duration <= 15 days"),
    "crossing": ("solve", TEXAS, *SMALL, "--find", "machine.count=64..256 times 2", "--where",
                 "training.duration <= 20 days"),
    "codesign": ("codesign", TEXAS, *SMALL, "--set", "machine.count=64", "--set",
                 "training.number_format=fp8", "--set", "supply.plants=grid", "--set", "year=2026",
                 "--population", "4", "--generations", "0", "--hold",
                 "dies,height,domain,aspect,source,count,parameters"),
    "outlook": ("outlook", "--draws", "200"),
    "plan-training": ("plan-training", "--model", "llama-3.1-8b", "--chip", "nvidia-h100-sxm", "--count",
                      "64", "--pue", "1.2", "--electricity", "60 $/MWh", "--batch", "256", "--relief",
                      "--power", "72kW"),
    "plan-serving": ("plan-serving", "--model", "llama-3.1-8b", "--chip", "H100", "--pue", "1.2",
                     "--electricity", "60 $/MWh", "--prompt", "1024", "--finalists", "1", "--requests",
                     "300"),
    "simulate-serving": ("simulate-serving", "--model", "llama-3.1-8b", "--chip", "H100", "--pue", "1.2",
                         "--electricity", "60 $/MWh", "--prompt", "1024", "--output", "200", "--rate", "10/s",
                         "--requests", "200", "--tensor", "1"),
    "plan-supply": ("plan-supply", "texas", "--load", "10MW", "--year", "2030", "--plants",
                    "grid,solar,battery"),
    "plan-seconds": ("plan-seconds", "--chip", "nvidia-h100-sxm", "--count", "1024", "--plants",
                     "gas-turbine=4MW"),
    "plant": ("plant", "fusion"),
    "technologies": ("technologies", "compare", "--substrate", "bf16", "--substrate", "w-int6"),
    "quantum-vqe": ("quantum", "vqe", "h2", "--noise"),
    "quantum-optimise": ("quantum", "optimise", "pipeline", "--stages", "3"),
    "quantum-resources": ("quantum", "resources", "p450"),
    "quantum-rsa": ("quantum", "resources", "rsa"),
    "quantum-break-even": ("quantum", "break-even", "chemistry"),
    "quantum-llm": ("quantum", "break-even", "llm"),
    "memory": ("technologies", "memory", "hbm4", "--pattern", "random", "--pattern", "weights"),
    "memory-all": ("technologies", "memory", "--pattern", "weights", "--cooling", "cold-plate"),
    "chip": ("chip", "build", "GW-2027", "--set", "memory.stacks=8"),
    "chip-sram": ("chip", "build", "GW-SRAM"),
    "plan-pathway": ("plan-pathway", "texas", "--load", "100 MW", "--plants", "solar,gas-engine", "--weeks",
                     "1", "--years", "2025,2030"),
}  # fmt: skip


def call(*words: str | Path) -> int:
    with pytest.raises(SystemExit) as left:
        main([*map(str, words)])
    return int(left.value.code or 0)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two scenarios whose names are hostile, a study, and a folder for each answer."""
    folder = tmp_path_factory.mktemp("studies")
    for name, words, tokens, count in (("one", "<b>One</b> | *a*", 1, 64), ("two", "Two [red](x)", 2, 128)):
        text = SCENARIO.format(name=json.dumps(words), tokens=f"{tokens}T tokens", count=count)
        (folder / f"{name}.yaml").write_text(text)
    (folder / "study.yaml").write_text(STUDY)
    return folder


@pytest.fixture(scope="module")
def answers() -> dict[str, Path]:
    """Folders of the answers that were computed already."""
    return {}


@pytest.fixture(params=sorted(QUESTIONS))
def folder(
    request: pytest.FixtureRequest, place: Path, answers: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> Path:
    """The folder of an answer, computed once."""
    monkeypatch.chdir(place)
    name = str(request.param)
    if name not in answers:
        if name == "sweep":
            assert call("sweep", "study.yaml", "--output", "store", "-q") == 0
        assert call(*QUESTIONS[name], "--output", name, "--quiet") == 0
        answers[name] = place / name
    return answers[name]


def _face(folder: Path) -> tuple[str, str]:
    """(study, stem of its report)."""
    record = read_record(folder)
    assert record is not None
    return record["study"], registry.find_study(record["study"]).report_stem


class Tables(Page):
    """Which tables have a caption, and which figures say what they show."""

    def __init__(self, text: str) -> None:
        self.tables, self.captions, self.silent = 0, 0, 0
        super().__init__(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        super().handle_starttag(tag, attrs)
        self.tables += tag == "table"
        self.captions += tag == "caption"
        given = dict(attrs)
        self.silent += given.get("role") == "img" and not given.get("aria-label")


def check_page(text: str) -> Page:
    page = Tables(text)
    assert page.loads == []
    assert len(page.ids) == len(set(page.ids))
    assert page.headings[0] == 1
    assert page.headings.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(page.headings))
    assert page.tables == page.captions > 0
    assert page.silent == 0
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    assert not re.search(r"\b(nan|None|undefined)\b", page.text)
    assert set(re.findall(r'class="grade g-([^"]*)"', text)) <= {grade.label for grade in Grade}
    assert len(text) < 3e6
    return page


READER = MarkdownIt("commonmark").enable("table")


def check_markdown(text: str) -> list[Any]:
    """Tokens; every row of a table is as long as its head, and headings follow one another."""
    tokens = READER.parse(text)
    width, cells, tables = 0, 0, 0
    levels: list[int] = []
    for token in tokens:
        if token.type == "heading_open":
            levels.append(int(token.tag[1]))
        tables += token.type == "table_open"
        if token.type in ("th_open", "td_open"):
            cells += 1
        elif token.type == "tr_open":
            cells = 0
        elif token.type == "tr_close":
            width = (
                cells if token.level == 2 and tokens[tokens.index(token) - 1].type == "th_close" else width
            )
            assert cells == width
        assert token.type not in ("html_block", "html_inline")
        assert all(child.type != "html_inline" for child in token.children or ())
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))
    lines = [line for line in text.split("\n") if line.startswith("|")]
    assert tables == sum(bool(re.fullmatch(r"\|( :?---:? \|)+", line)) for line in lines) > 0
    return tokens


_NUMBER = re.compile(
    r"(?<![\w.\-])[−+]?(\d[\d,]*(?:\.\d+)?(?:e\d+)?)(?![\w]|\.\d)"
    r"(?: (%|million|billion|trillion)(?!\w))?"
)
_LARGE = {"million": 1e6, "billion": 1e9, "trillion": 1e12}


def numbers(text: str) -> list[tuple[float, float]]:
    """(value, half of its last digit) of the numbers in a text; those inside names are left out."""
    found: list[tuple[float, float]] = []
    for digits, word in _NUMBER.findall(text.replace("\u00a0", " ")):
        plain = digits.rstrip(",").replace(",", "")
        stem, _, power = plain.partition("e")
        scale = 10.0 ** int(power or 0) * _LARGE.get(word, 1.0)
        places = len(stem.partition(".")[2])
        rounded = places or word  # a count is exact, and so is a whole number that has fewer than four digits
        if not rounded and len(stem) > 3:
            places = -(len(stem) - 3)
            rounded = stem.endswith("0")
        half = 0.5 * 10.0**-places if rounded else 0.0
        found.append((float(stem) * scale, half * scale))
    return found


def texts_of(document: Document) -> list[str]:
    """Every text of a document but its paragraphs: tables, cards, title, setting, notices, lists."""

    def grid(one: Grid) -> list[str]:
        return [one.caption, *one.head, *(cell.text for row in one.rows for cell in row)]

    found = [document.title, document.setting, *document.notices, document.again.command]
    found += [f"{card.title} {card.value}" for card in document.cards]
    stack: list[Any] = [part for section in document.sections for part in section.parts]
    while stack:
        part = stack.pop()
        match part:
            case Grid():
                found += grid(part)
            case Points():
                found += part.items
            case Text():
                found.append(part.text)
            case _:
                stack += [*getattr(part, "left", ()), *getattr(part, "right", ())]
                inner = getattr(part, "grid", None) or getattr(part, "table", None)
                stack += [inner] if inner is not None else []
    return found


def strays(document: Document, known: list[str]) -> list[str]:
    """Numbers of the words that no table, card or notice has, to the digits that either gives.

    A power may be in kW here and in MW there, a share a percentage; assumptions are counted.
    """
    there = [pair for text in known for pair in numbers(text)]
    there += [pair for key, value in document.facts for pair in numbers(f"{key} {value}")]
    if document.assumptions is not None:
        rows = document.assumptions.rows
        there += [(float(len(rows)), 0.0), (float(sum(row[3].text == "guess" for row in rows)), 0.0)]
    scales = (1.0, 1e3, 1e-3, 1e6, 1e-6, 1e-2, 1e2)
    lost: list[str] = []
    for paragraph in document.paragraphs:
        for value, half in numbers(paragraph):
            if not any(
                abs(value - scale * other) <= max(half, scale * mine) * (1 + 1e-6) + 1e-9 * value
                for other, mine in there
                for scale in scales
            ):
                lost.append(f"{value:g} in: {paragraph[:80]}")
    return lost


def test_a_study_is_written_whole(folder: Path) -> None:
    study, stem = _face(folder)
    text = (folder / f"{stem}.html").read_text(encoding="utf-8")
    page = check_page(text)
    told = (folder / f"{stem}.md").read_text(encoding="utf-8")
    check_markdown(told)
    record = read_record(folder)
    assert record is not None
    assert record["command"] in page.text
    assert record["command"] in told
    assert f"With gigawatt {record['gigawatt']}" in page.text
    assert {"summary", "again"} <= set(page.ids)
    assert stored(folder).document.sections
    for drawing in stored(folder).document.drawings:
        if drawing.captioned:
            words = f"{drawing.title}. {drawing.caption}" if drawing.title else drawing.caption
            assert " ".join(words.split()) in page.text
            assert escaped(drawing.words) in told
    if (folder / "published.json").is_file():
        rows = json.loads((folder / "published.json").read_text())
        assert all(row["what"] in page.text and row["what"] in told.replace("\\", "") for row in rows)
        assert {"rows of the catalog", "weakest grade"} <= {key for key, _ in stored(folder).document.facts}
    assert ("assumptions" in page.ids) == (stored(folder).document.assumptions is not None)
    assert registry.find_study(study).report_stem


def test_the_words_say_what_the_tables_say(folder: Path) -> None:
    document = stored(folder).document
    assert document.paragraphs
    assert strays(document, texts_of(document)) == []
    for text in document.paragraphs:
        assert text.endswith(".")
        assert text[0].isupper() or text[0].isdigit()
        assert "  " not in text
        assert not re.search(r"\b1 (accelerators|replicas|scenarios|points|values|designs|steps)\b", text)
        assert not re.search(r"\.\.|,,| ,|\( ", text)


def test_it_is_made_anew_from_its_folder(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, stem = _face(folder)
    for form in ("html", "md"):
        before = (folder / f"{stem}.{form}").read_text(encoding="utf-8")
        (folder / f"{stem}.{form}").unlink()
        assert call("report", folder, "--format", form, "-q") == 0
        assert (folder / f"{stem}.{form}").read_text(encoding="utf-8") == before
    capsys.readouterr()
    assert call("report", folder, "--format", "md", "--out", "-") == 0
    assert capsys.readouterr().out == (folder / f"{stem}.md").read_text(encoding="utf-8")


def parsed(command: str) -> Any:
    """The context of a command line as the command line reads it, nothing run."""
    words = shlex.split(command)
    assert words[0] == "gigawatt"
    one: Any = typer.main.get_command(app)
    rest, context = words[1:], None
    while True:
        context = one.make_context(words[0], list(rest), parent=context)
        if not hasattr(one, "commands"):
            return context
        _, one, rest = one.resolve_command(context, [*context._protected_args, *context.args])


def test_the_command_is_one_that_the_command_line_takes(folder: Path) -> None:
    record = read_record(folder)
    assert record is not None
    context = parsed(record["command"])
    assert context.info_name == "gigawatt"
    assert context.params
    document = stored(folder).document
    assert document.again.command == record["command"]
    if folder.name == "compare":
        assert set(record["inputs"]) == {"one.yaml", "two.yaml"}


def test_each_study_says_its_answer(folder: Path) -> None:
    """The sentence that a board reads first, against the JSON."""
    document, said = stored(folder).document, " ".join(stored(folder).document.paragraphs)
    _, stem = _face(folder)
    answer = json.loads((folder / registry.find_study(_face(folder)[0]).answer_file).read_text())
    match folder.name:
        case "compare":
            cost = next(r for r in answer["quantities"] if r["quantity"] == "ledger.run_cost")
            cheap = "A" if cost["values"][0] < cost["values"][1] else "B"
            assert f"{cheap} is the cheaper one" in said
            split = answer["attribution"]["quantities"][0]
            most = max(range(len(split["parts"])), key=lambda i: abs(split["parts"][i]))
            assert answer["attribution"]["groups"][most]["name"] in " ".join(document.paragraphs[1:])
        case "sweep":
            effects = [e for e in answer["effects"] if e["quantity"] == answer["by"]]
            first = max(effects, key=lambda e: e["share"])["axis"]
            assert re.search(rf"that each key alone explains, is {re.escape(first)} ", said)
            by = [row for row in answer["extremes"] if row["quantity"] == answer["by"]]
            assert min(answer["drawn"][answer["by"]]) == pytest.approx(by[0]["least"])
        case "solve":
            kept = [p for p in answer["points"] if p["excess"] <= 0]
            best = max(p["amounts"]["training.mfu"] for p in kept)
            assert f"It is {best:.4g} %" in said
            assert ("The binding limit" in said) == any(one["binds"] for one in answer["limits"])
        case "crossing":
            assert f"It holds first at machine.count {answer['first']}" in said
        case "codesign":
            assert "today's chip" in said
            assert "error" in said
        case "outlook":
            place = answer["years"].index(2030)
            shares = {name: row[place] for name, row in answer["binding"].items()}
            first = max(shares, key=lambda name: shares[name])
            assert re.search(rf"in 2030 is (the )?{first}, in {100 * shares[first]:.0f} % of the draws", said)
        case "plan-training":
            assert f"band: {answer['days_low']:.3g} to {answer['days_high']:.3g} days" in said
            top = max(answer["relief"], key=lambda row: row["gain"])
            assert f"the {top['words']} shortens the run most" in said
            assert f"The bottleneck is {answer['binds'].replace('_', ' ')}" in said
        case "plan-serving":
            assert f"{answer['chips']:,} {answer['chip']} accelerator" in said
            assert "that had not seen" in said
        case "simulate-serving":
            assert f"{answer['requests']:,} requests" in said
        case "plan-seconds":
            over = max(answer["excess"], key=lambda key: answer["excess"][key])
            assert f" {answer['excess'][over]:.3g} times" in said
            assert f"with {answer['cheapest_store']}" in said or f"is {answer['cheapest_store']}" in said
        case "plant":
            assert answer["plant"] in said
            assert answer["lines"][0]["label"] in said
        case "technologies":
            kept = [row for row in answer["rows"] if (row["perplexity_ratio"] or 9.0) <= 1.1]
            least = min(kept, key=lambda row: row["joules"]["system"])
            assert f"more perplexity has {least['substrate']}" in said
        case "plan-supply":
            assert f"costs ${answer['cost_USD_per_MWh']:.3g}/MWh" in said
        case "quantum-vqe":
            assert f"{abs(answer['energy']):.8f} Ha" in said
            good = [
                one["gate_error"] for one in answer["noise"] if abs(one["raw"]) <= answer["shots"]["error"]
            ]
            assert float(re.search(r"as read up to (\S+) and", said)[1]) == pytest.approx(max(good), rel=0.05)
            assert "h2" in document.sections[2].parts[0].rows[0][0].text
        case "quantum-optimise":
            assert f"{100 * answer['quantum'][-1]['optimum']:.1f} % of the cases" in said
            assert answer["classical"][0]["method"] in said
        case "quantum-resources":
            assert f"{answer['physical_qubits'] / 1e6:.3g} million physical qubits" in said
            assert "The bottleneck of its time is the factories" in said
            assert "of 2 published numbers" in said
        case "quantum-rsa":
            assert f"to {answer['ladder'][-1]['qubits']:,.0f} and" in said
            assert "of 39 published numbers" in said  # as docs/quantum.md says
            assert "37 are met within their tolerance; the furthest off is RSA-2048 of 2025: days" in said
        case "quantum-break-even":
            assert answer["verdict"][1:] in said
            assert "FeMoco" in said
        case "quantum-llm":
            assert "No break-even" in said
            assert not any(section.key == "published" for section in document.sections)
        case "memory":
            row = answer["generations"][0]
            assert f"reading 'random' {100 * row['reached'][0]['share']:.1f} %" in said
            assert f"at {row['temperature']['hottest'] - 273.15:.0f} °C" in said
            assert "HBM4, a stream, refreshed by bank, by +" in said
        case "memory-all":
            hot = [r["name"] for r in answer["generations"]
                   if r["temperature"]["hottest"] > answer["limits"]["throttle"]]  # fmt: skip
            assert f"{', '.join(hot[:-1])} and {hot[-1]} are hotter" in said
        case "chip" | "chip-sram":
            most = max(
                answer["limits"], key=lambda k: answer["limits"][k]["used"] / answer["limits"][k]["available"]
            )
            assert f"the limit that is nearest is {most}" in said
            words = {"parts": "what its parts draw", "reading memory": "what reading its memory draws"}
            assert f"The limit of its power is {words[answer['binding']]}" in said
            assert ("stacks of" in said) == (answer["memory"] is not None)
        case "plan-pathway":
            for text in answer["words"]:
                assert text[1:].rstrip(".") in said
    assert stem


# results


def test_a_result_is_made_anew_and_still_reads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = make_result()
    folder = save_result(made, tmp_path / "made")
    assert call("report", folder) == 0
    assert str(folder / "report.html").replace("\n", "") in capsys.readouterr().out.replace("\n", "")
    assert call("report", folder / "result.json", "--format", "md", "-q") == 0
    found = load_result(folder)  # digests are of what lies there now
    document = result_document(found)
    assert (folder / "report.html").read_text(encoding="utf-8") == html.page(document)
    assert (folder / "report.md").read_text(encoding="utf-8") == markdown.markdown(document)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["made"]
    noted = json.loads((folder / "run.json").read_text())["files"]
    assert {"report.html", "report.md"} <= set(noted)
    assert call("report", folder, "--out", tmp_path / "elsewhere" / "a.html", "-q") == 0
    assert (tmp_path / "elsewhere" / "a.html").stat().st_size > 1e6
    assert not list(folder.glob(".*"))


def test_a_result_says_how_it_is_made_anew() -> None:
    made = make_result()
    document = result_document(made)
    parsed(document.again.command)
    check_page(html.page(document))
    check_markdown(markdown.markdown(document))


def test_the_words_of_a_result_are_in_its_tables(real_small: Path) -> None:
    found = load_result(real_small)
    document = result_document(found)
    known = texts_of(document)
    for quantity in found.quantities.values():
        if isinstance(quantity.shown, float):
            known.append(f"{quantity.shown:.12g}")
    assert strays(document, known) == []
    assert document.again.scenario == (real_small.parent / "one.yaml").read_text()
    assert document.again.command == "gigawatt run one.yaml"
    assert document.again.scenario in html.page(document).replace("&lt;", "<").replace("&gt;", ">").replace(
        "&#34;", '"'
    )
    assert f"```yaml\n{document.again.scenario.rstrip()}\n```" in markdown.markdown(document)


@pytest.fixture(scope="module")
def real_small(place: Path) -> Path:
    assert call("run", place / "one.yaml", "--out", place / "result", "-q") == 0
    assert (place / "result" / "report.md").is_file()
    return place / "result"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nowhere",), "neither a result nor a study here"),
        (("made", "--format", "pdf"), "--format: no such format; given 'pdf'"),
        (("made", "--out", "made"), "--output: a folder, not a file"),
        (("other",), "this study has no report"),
        (("broken",), "this record of a study cannot be read"),
        (("empty",), "this study cannot be read"),
    ],
)
def test_what_cannot_be_reported_is_one_line(
    words: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    save_result(make_result(), "made")
    record = {"study": "other", "command": "gigawatt other", "gigawatt": "1", "catalog": "2", "python": "3",
              "inputs": {}}  # fmt: skip
    for name, text in (
        ("other", json.dumps(record)),
        ("broken", "[1]"),
        ("empty", json.dumps({**record, "study": "solve"})),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "study.json").write_text(text)
    assert call("report", *words) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert said in told


# text that comes from outside

NASTY = (
    HOSTILE, "a|b", "*x* _y_ __z__", "`code`", "[t](javascript:alert(1))", "![i](x)", "# head", "1. one",
    "2) two", "- item", "+ item", "> quote", "~~gone~~", "$a$ and $b$", "back\\slash", "<https://e.example>",
    "a & b &lt;", "https://e.example/x_y", "www.e.example", "a@b.example", "line\nbreak", "===", "---", "```",
    "snake_case_name", "  spaces  ", "\u00a0", "<!-- c -->", "a\\|b", "5 $/MWh", "x**y**z",
)  # fmt: skip


def _shown(tokens: list[Any]) -> list[str]:
    """The text of every inline token, as it is read."""
    return [
        "".join(child.content for child in token.children or () if child.type in ("text", "code_inline"))
        for token in tokens
        if token.type == "inline"
    ]


@pytest.mark.parametrize("text", NASTY)
def test_any_text_is_shown_letter_by_letter(text: str) -> None:
    plain = " ".join(text.split())
    reader = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    assert "".join(_shown(reader.parse(escaped(text)))) == plain
    grid = Grid(text, (text, "x"), (False, True), ((Cell(text), Cell("1")), (Cell("y"), Cell(text))))
    document = Document(
        title=text or "t", setting=text, paragraphs=(text,), again=Again(f"gigawatt run {shlex.quote(text)}"),
        notices=(text,), sections=(Section("s", text, (grid, Text(text), Points((text,)))),),
    )  # fmt: skip
    told = markdown.markdown(document)
    shown = _shown(reader.parse(told))
    if plain:
        assert shown.count(plain) >= 8
    page = Page(html.page(document))
    assert page.loads == []
    assert page.links == [f"#{key}" for key in ("summary", "notices", "s", "again")]
    assert "script 1" not in page.scripts
    assert page.text.count(plain) >= 8


def test_a_link_that_is_no_web_page_is_text() -> None:
    grid = Grid(
        "c", ("a",), (False,), ((Cell("t", link="javascript:alert(1)"),), (Cell("u", link="https://e.x"),))
    )
    told = markdown.markdown(
        Document("t", "", ("p.",), Again("gigawatt doctor"), sections=(Section("s", "s", (grid,)),))
    )
    assert "javascript" not in told
    assert "[u](<https://e.x>)" in told


def test_code_with_fences_stays_code() -> None:
    text = "a: |\n  ```\n  b\n  ```\n"
    again = Again("gigawatt run a.yaml", file="a.yaml", scenario=text)
    tokens = READER.parse(markdown.markdown(Document("t", "", ("p.",), again)))
    assert [token.content for token in tokens if token.type == "fence"][-1] == text


def test_a_figure_is_a_table_too() -> None:
    import plotly.graph_objects as go

    figure = go.Figure()
    figure.add_bar(x=["a", "b"], y=[1.0, 2.5], name="left")
    figure.add_scatter(x=["a", "b"], y=[3.0, 40000.0], name="right")
    figure.add_scatter(x=["a", "b"], y=[3.0, 4.0], fill="toself", name="band")
    figure.update_xaxes(title="place")
    made = table_of(figure, "Two sides.")
    assert made is not None
    assert made.head == ("place", "left", "right")
    assert [[cell.text for cell in row] for row in made.rows] == [["a", "1", "3"], ["b", "2.5", "40,000"]]
    assert made.numeric == (False, True, True)
    wide = go.Figure(go.Scatter(x=list(range(1000)), y=list(range(1000)), name="long"))
    thinned = table_of(wide, "Long.")
    assert thinned is not None
    assert len(thinned.rows) <= 42
    assert thinned.rows[-1][1].text == "999"
    assert table_of(go.Figure(go.Sankey()), "None.") is None
