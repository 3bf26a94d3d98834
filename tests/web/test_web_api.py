"""The JSON interface: it says what the rooms say, jobs begin, tell, end; and the page that describes it."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from served import HERE, ROOT, Answer, Server, serving

from gigawatt import catalog
from gigawatt.catalog.loader import forget
from gigawatt.core.registry import views
from gigawatt.faces.web.answers import result_of
from gigawatt.faces.web.form.state import State
from gigawatt.studies.compare.compare import Side, beside
from gigawatt.studies.run.figures import figure, figure_names

QUERY = "start=deepseek-v3-h800&supply.plants=grid"
STATE = State("deepseek-v3-h800", (("supply.plants", "grid"),))
JSON = {**HERE, "Content-Type": "application/json"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("asked")) as running:
        yield running


def get(server: Server, path: str, status: int = 200) -> Any:
    answer = server.ask(f"/api/v1/{path}")
    assert (answer.status, answer.kind) == (status, "application/json"), answer.text[:300]
    return json.loads(answer.text)


def post(server: Server, body: Any) -> Answer:
    return server.ask("/api/v1/jobs", "POST", JSON, json.dumps(body).encode())


def result() -> Any:
    return result_of(STATE, lambda words, share: None)


def test_an_answer_has_every_quantity_as_the_room_has_it(server: Server) -> None:
    found = get(server, f"answer?{QUERY}")
    mine = result()
    assert set(found["quantities"]) == set(mine.quantities)
    for name in ("training.duration", "ledger.run_cost", "machine.count", "training.binding"):
        q = mine.quantity(name)
        told = found["quantities"][name]
        assert told["value"] == (pytest.approx(q.shown) if not isinstance(q.shown, str) else q.shown)
        assert (told["unit"], told["grade"], told["what"]) == (q.unit, q.label, q.summary)
    assert found["notices"] == list(mine.notices)
    assert len(found["assumptions"]) == len(mine.assumptions)
    assert "hourly" not in found["tables"]


def test_a_table_comes_whole_with_its_units(server: Server) -> None:
    mine = result()
    assert get(server, f"tables?{QUERY}") == {name: len(table) for name, table in mine.tables.items()}
    found = get(server, f"tables/hourly?{QUERY}")
    frame = mine.tables["hourly"].reset_index()
    assert [f"{c['name']} [{c['unit']}]" if c["unit"] else c["name"] for c in found["columns"]] == [
        str(name).replace(" []", "") for name in frame.columns
    ]
    assert len(found["rows"]) == 8760
    load = [c["name"] for c in found["columns"]].index("load")
    assert sum(row[load] for row in found["rows"]) == pytest.approx(frame["load [MW]"].sum())
    error = get(server, f"tables/hurly?{QUERY}", 422)["error"]
    assert error["nearest"] == "hourly"


def test_a_figure_is_what_plotly_draws(server: Server) -> None:
    found = get(server, "figures")
    assert found == {branch: list(names) for branch, names in figure_names().items()}
    found = get(server, f"figures/breakdown?{QUERY}")
    assert found == json.loads(figure(result(), "breakdown").to_json())
    assert get(server, "figures/breakdowns", 404)["error"]["nearest"] == "breakdown"
    assert "error" in get(server, f"figures/wall?{QUERY}", 422)  # of a model that is served


def test_the_walk_is_typed_and_complete(server: Server) -> None:
    found = get(server, f"explain/training.mfu?{QUERY}")
    assert found[0]["quantity"] == "training.mfu"
    assert found[0]["value"] == pytest.approx(result().quantity("training.mfu").shown)
    assert all(step["depth"] > 0 for step in found[1:])
    assert get(server, f"explain/training.mfuu?{QUERY}", 422)["error"]["nearest"] == "training.mfu"


def test_every_entry_of_the_catalog_is_reached_those_with_slashes_too(server: Server) -> None:
    forget()  # what other tests of this process have built
    assert get(server, "catalog") == {name: len(catalog.table(name)) for name in catalog.tables()}
    assert get(server, "catalog/chip_dies") == list(catalog.table("chip_dies"))
    entry = catalog.entity("chip_dies", "A100-parts/gpu")
    found = get(server, "catalog/chip_dies/A100-parts/gpu")
    assert [(r["quantity"], r["value"], r["where"]) for r in found["rows"]] == [
        (r.quantity, r.value, r.where) for r in entry.rows()
    ]
    assert get(server, "catalog/chips/H100-SXM5-80GBB", 404)["error"]["nearest"] == "H100-SXM5-80GB"
    assert "error" in get(server, "no/such/path%0A", 404)


def test_sources_say_their_licence_and_how_many_numbers_they_gave(server: Server) -> None:
    found = get(server, "sources")
    assert set(found) == set(catalog.sources())
    one = catalog.source("lazard-2023")
    told = found["lazard-2023"]
    assert (told["title"], told["licence"], told["url"]) == (one.title, one.licence, one.url)
    assert told["numbers"] == sum(catalog.source_uses()["lazard-2023"].values())


def test_an_unknown_key_is_refused_by_its_name(server: Server) -> None:
    error = get(server, f"answer?{QUERY}&machine.counts=8", 422)["error"]
    assert (error["key"], error["nearest"]) == ("machine.counts", "machine.count")


def ended(server: Server, job: str) -> dict[str, Any]:
    """A job that has ended: its events are heard to their end before it is looked at."""
    events = server.ask(f"/jobs/{job}/events", headers=HERE)
    assert "event: close" in events.text
    return get(server, f"jobs/{job}")


@pytest.mark.apart
def test_a_job_compares_two_questions(server: Server) -> None:
    started = dict(pair.split("=") for pair in QUERY.split("&"))
    begun = post(
        server, {"kind": "compare", "question": {**started, "machine.count": "1024"}, "beside": started}
    )
    assert begun.status == 202
    told = json.loads(begun.text)
    assert begun.headers["location"] == f"/api/v1/jobs/{told['id']}"
    assert told["value"] is None
    done = ended(server, told["id"])
    assert (done["state"], done["kind"], done["error"]) == ("done", "compare", "")
    other = STATE.with_changes({"machine.count": "1024"})
    sides = [Side(s.start, "", result_of(s, lambda w, x: None), s.loaded()) for s in (STATE, other)]
    wanted = beside(sides, split=False).to_json()
    got = {row["quantity"]: row["values"] for row in done["value"]["quantities"]}
    for row in wanted["quantities"]:
        if row["matters"]:
            assert got[row["quantity"]] == pytest.approx(row["values"])
    (split,) = [
        one for one in done["value"]["attribution"]["quantities"] if one["quantity"] == "training.duration"
    ]
    assert sum(split["parts"]) == pytest.approx(split["after"] - split["before"])
    assert json.loads(server.ask(f"/api/v1/jobs/{told['id']}", "DELETE", JSON).text)["state"] == "done"


def test_a_job_is_ended_and_an_unknown_one_is_not_there(server: Server) -> None:
    told = json.loads(post(server, {"kind": "answer", "question": {"start": "gb200-1gw-virginia"}}).text)
    gone = json.loads(server.ask(f"/api/v1/jobs/{told['id']}", "DELETE", JSON).text)
    assert gone["state"] in ("cancelled", "done")
    assert get(server, f"jobs/{told['id']}")["state"] == gone["state"]
    assert "error" in get(server, "jobs/nobody", 404)


@pytest.mark.parametrize(
    "body",
    [
        {}, {"kind": "sweep"}, {"kind": "answer", "more": 1}, {"kind": "answer", "question": {"year": 2030}},
        {"kind": "answer", "question": {"machine.cuont": "8"}}, [],
        {"kind": "answer", "question": {"\ud800": "x"}},
        {"kind": "answer", "question": {"model": "../../etc/passwd"}},
    ],
)  # fmt: skip
def test_what_is_no_work_is_refused_in_one_line(server: Server, body: Any) -> None:
    answer = post(server, body)
    assert answer.status == 422
    line = json.loads(answer.text)["error"]["line"]
    assert line
    assert "\n" not in line


def test_another_site_begins_nothing(server: Server) -> None:
    foreign = {"Sec-Fetch-Site": "cross-site", "Content-Type": "application/json"}
    assert server.ask("/api/v1/jobs", "POST", foreign, b'{"kind": "answer"}').status == 403


def page() -> str:
    return (ROOT / "docs" / "web.md").read_text(encoding="utf-8")


def test_the_page_names_every_view_and_every_path(server: Server) -> None:
    text = page()
    for view in views():
        if view.listed:
            assert re.search(rf"^\| `{view.name}` \| \S", text, re.M), view.name
    described = json.loads(server.ask("/openapi.json").text)["paths"]
    told = re.sub(r"`|GET |POST |DELETE ", "", "\n".join(re.findall(r"^\| `[A-Z].*$", text, re.M)))
    for path in described:
        *_, last = path.removeprefix("/api/v1").split("/")
        assert path in told or f"/{last}" in told, path


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl: what the page shows is not typed")
def test_what_the_page_shows_to_type_works(server: Server, tmp_path: Path) -> None:
    lines = re.findall(r"^curl .*$", page(), re.M)
    assert len(lines) > 8
    for line in lines:
        words = shlex.split(line.replace("localhost:8470", server.address.rstrip("/").rpartition("/")[2]))
        direct = {name: text for name, text in os.environ.items() if "proxy" not in name.lower()}
        done = subprocess.run(
            [*words, "--fail", "--max-time", "120"], capture_output=True, text=True, timeout=150,
            cwd=tmp_path, env=direct,
        )  # fmt: skip
        assert done.returncode == 0, f"{line}: {done.stderr}"
        assert json.loads(done.stdout)
