"""What is done on the page beyond asking: long work, files of one's own, the map, pinning; many at once."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from browsing import IN_A_BROWSER, Visitor, visiting
from served import HERE, Server

from gigawatt.core.errors import InputError
from gigawatt.faces.web.uploads.paths import MOST_BYTES
from gigawatt.faces.web.uploads.store import Uploads

pytestmark = IN_A_BROWSER

MANY = 50
LIGHT = "model=llama-3.1-8b&supply.plants=grid"
"""A question that takes a second or two."""
CONFIG = {
    "model_type": "llama", "hidden_size": 2048, "intermediate_size": 5632, "num_hidden_layers": 22,
    "num_attention_heads": 32, "num_key_value_heads": 4, "vocab_size": 32000, "max_position_embeddings": 4096,
    "hidden_act": "silu", "tie_word_embeddings": False,
}  # fmt: skip
"""TinyLlama 1.1B as its makers publish it."""


def test_long_work_shows_its_progress_and_then_what_came_of_it(visitor: Visitor) -> None:
    visitor.open("/supply")
    page = visitor.page
    page.click("text=Look at the seconds")
    page.wait_for_selector(".job progress")
    page.wait_for_selector(".job", state="detached")
    page.wait_for_selector("#answer .plot[id*=power] svg.main-svg")
    assert "oscillat" in visitor.text("#answer").lower()


def test_long_work_can_be_cancelled(visitor: Visitor) -> None:
    visitor.open("/validation")
    page = visitor.page
    page.click("text=Every table")
    page.wait_for_selector(".job progress")
    page.click(".job button")
    page.wait_for_selector("text=cancelled")
    assert page.locator(".job progress").count() == 0


def test_a_marker_of_the_map_asks_for_its_site(visitor: Visitor) -> None:
    visitor.open("/supply?supply.plants=grid,solar,wind,battery")  # those that no law bars
    page = visitor.page
    page.wait_for_selector("[data-picks='site.name'] .points path")
    chosen = page.input_value("#f-site-name")
    with visitor.another():
        for marker in page.locator("[data-picks='site.name'] .points path").all():
            box = marker.bounding_box()
            page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
            if page.input_value("#f-site-name") != chosen:
                break
    site = page.input_value("#f-site-name")
    assert site != chosen
    assert f"site.name={site}" in visitor.query


def test_a_model_of_ones_own_is_asked_about(visitor: Visitor, tmp_path: Path) -> None:
    file = tmp_path / "my <b>model.json"
    file.write_text(json.dumps(CONFIG))
    asked = "machine.count=64&training.tokens=1+T+tokens&training.global_batch=512+sequences"
    visitor.open(f"/chain?{asked}", answered=False)  # the start's model fits in no layout of so few
    page = visitor.page
    page.click("text=Bring your own")
    page.set_input_files("#u-model", file)
    page.click("form[action*='/upload/model'] button")
    page.wait_for_url("**/chain?*model=model-*")
    visitor.answered(1)
    assert "1.1 billion parameters" in visitor.text("#answer .lead")
    assert "my <b>model.json (uploaded)" in visitor.text("#f-model option:checked")


def test_a_file_that_is_no_model_says_so_beside_its_field_and_the_old_answer_stays(
    browser: Any, server: Server, tmp_path: Path
) -> None:
    file = tmp_path / "config.json"
    file.write_text('{"model_type": "lama"}')
    with visiting(browser, server.address) as visitor:
        visitor.open("/chain")
        answer = visitor.text("#answer .lead")
        visitor.page.click("text=Bring your own")
        visitor.page.set_input_files("#u-model", file)
        visitor.page.click("form[action*='/upload/model'] button")
        visitor.page.wait_for_selector("#e-u-model:not(:empty)")
        visitor.answered(1)
        assert "config.json" in visitor.text("#e-u-model")
        assert visitor.text("#answer .lead") == answer


def test_a_file_that_is_too_large_is_not_sent_and_says_so_beside_its_field(
    visitor: Visitor, tmp_path: Path
) -> None:
    file = tmp_path / "config.json"
    file.write_text(" " * MOST_BYTES["model"] + "{}")
    visitor.open("/chain")
    page, answer, sent = visitor.page, visitor.text("#answer .lead"), []
    page.on("request", lambda request: sent.append(request.url))
    page.click("text=Bring your own")
    page.set_input_files("#u-model", file)
    page.click("form[action*='/upload/model'] button")
    page.wait_for_selector("#e-u-model:not(:empty)")
    refused = Uploads(tmp_path / "kept").receive("model", "config.json", file.read_bytes(), None)  # type: ignore[arg-type]
    with ThreadPoolExecutor(1) as apart, pytest.raises(InputError) as error:
        apart.submit(asyncio.run, refused).result()  # this thread has a loop already, which is playwright's
    assert visitor.text("#e-u-model") == str(error.value)
    assert visitor.text("#answer .lead") == answer
    assert not [url for url in sent if "/upload/" in url]


def test_without_scripts_a_file_that_is_too_large_is_one_line(
    browser: Any, server: Server, tmp_path: Path
) -> None:
    file = tmp_path / "config.json"
    file.write_text(" " * 2**23)
    with visiting(browser, server.address, quiet=False, java_script_enabled=False) as visitor:
        visitor.page.goto(f"{server.address}chain")
        visitor.page.click("text=Bring your own")
        visitor.page.set_input_files("#u-model", file)
        visitor.page.click("form[action*='/upload/model'] button")
        visitor.page.wait_for_url("**/upload/model**")
        assert visitor.text("body").strip() == "more than 2 MiB"


def test_a_pinned_question_stands_beside_the_one_that_moves(visitor: Visitor) -> None:
    visitor.open("/chain?machine.count=8192")
    page = visitor.page
    page.click("text=Pin and compare")
    page.wait_for_url("**/compare?*")
    visitor.answered(1)
    with visitor.another():
        page.focus("#r-size")
        page.keyboard.press("ArrowRight")
    assert page.locator(".columns li").count() == 2
    head = visitor.text("table.beside thead")
    assert "A" in head
    assert "B now" in head
    row = visitor.text("table.beside tbody tr:has-text('Accelerators of the campus')")
    assert "8,192" in row
    assert "10,240" in row


def test_many_at_once_each_get_their_own_answer(server: Server) -> None:
    counts = [64 * (n + 8) for n in range(MANY)]

    def ask(count: int) -> tuple[int, int, str]:
        answer = server.ask(f"/answer/chain?{LIGHT}&machine.count={count}", headers={"X-Tab": f"tab-{count}"})
        return count, answer.status, answer.text

    with ThreadPoolExecutor(MANY) as people:
        found = list(people.map(ask, counts))
    for count, status, text in found:
        assert status in (200, 422), text[:200]  # a layout that nothing divides is refused in a line
        assert f"{count:,} H100" in text or status == 422
    assert sum(status == 200 for _, status, _ in found) > MANY // 2


def test_the_newer_question_of_a_tab_takes_the_place_of_the_older(server: Server) -> None:
    limits = [f"{n} g/kWh" for n in range(41, 61)]

    def ask(limit: str) -> int:
        target = f"/answer/chain?model=llama-3.1-8b&supply.carbon_limit={quote(limit)}"
        return server.ask(target, headers={"X-Tab": "one"}).status

    with ThreadPoolExecutor(len(limits)) as slides:
        found = list(slides.map(ask, limits))
    assert set(found) <= {200, 204}
    assert found.count(204) >= len(limits) // 2  # most were never computed
    assert 200 in found


def test_the_uncertainty_comes_by_itself_once_the_answer_stands(visitor: Visitor) -> None:
    visitor.open("/chain?start=deepseek-v3-h800&supply.plants=grid")
    visitor.page.wait_for_selector(".uncertain .js-plotly-plot", state="visible")
    said = visitor.text(".uncertain")
    assert "90 % intervals" in said
    assert "from guesses" in said
    assert "Cost of the run" in said
    assert "from guesses" in visitor.text("#chain-key-figures")  # in place of the grades that stood there
    assert "about" not in visitor.text("#chain-key-figures")  # in place of the usual intervals
    assert " to " in visitor.text("#chain-ledger .band")


def test_a_newer_question_ends_what_is_drawn_for_the_older(server: Server) -> None:
    """One job of the kind for a tab; another tab's goes on."""

    def begin(tokens: str, tab: str) -> str:
        asked = f"/jobs/chain-uncertainty?{LIGHT}&training.tokens={tokens}"
        found = server.ask(asked, "POST", {**HERE, "X-Tab": tab}).headers["location"]
        return found.rsplit("/", 1)[1]

    def cancelled(job: str) -> bool:
        return "cancelled" in server.ask(f"/jobs/{job}", headers=HERE).text

    first, other = begin("1T", "one"), begin("2T", "two")
    second = begin("3T", "one")
    assert cancelled(first)
    assert not cancelled(other)
    assert not cancelled(second)
