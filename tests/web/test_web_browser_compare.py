"""Pins, the split of a difference, the catalog's search and the walk behind a number, in a browser."""

from __future__ import annotations

from typing import Any

from browsing import IN_A_BROWSER, Visitor
from served import Server

pytestmark = IN_A_BROWSER

QUICK = "start=deepseek-v3-h800&supply.plants=grid"


def test_a_question_is_pinned_and_what_changes_stands_beside_it(visitor: Visitor) -> None:
    visitor.open(f"/chain?{QUICK}")
    visitor.page.get_by_role("link", name="Pin and compare").click()
    visitor.answered(1)
    assert "show.a.start=deepseek-v3-h800" in visitor.query
    assert "Nothing differs" in visitor.text("#answer")
    with visitor.another():
        visitor.page.locator("#r-size").focus()
        visitor.page.keyboard.press("ArrowLeft")
    assert "machine.count=" in visitor.query
    assert "show.a.supply.plants=grid" in visitor.query
    assert visitor.page.locator("#plot-ratios.js-plotly-plot").count() == 1
    assert visitor.text(".beside thead").startswith("A B now")
    there = visitor.page.url
    visitor.page.reload()
    visitor.answered(1)
    assert visitor.page.url == there
    assert visitor.text(".beside thead").startswith("A B now")


def test_the_split_is_computed_in_the_background_and_drawn(visitor: Visitor) -> None:
    visitor.open(f"/compare?{QUICK}&machine.count=1024")
    visitor.page.get_by_role("button", name="Split the difference").click()
    visitor.page.wait_for_selector(".split .js-plotly-plot", state="visible")
    assert "Shapley values" in visitor.text(".split")
    assert visitor.page.locator("#plot-ratios.js-plotly-plot").count() == 1


def test_another_start_keeps_what_is_pinned(visitor: Visitor) -> None:
    visitor.open(f"/compare?{QUICK}&show.a.start=deepseek-v3-h800&show.a.supply.plants=grid")
    visitor.page.select_option("#f-start", "gpt3-175b-a100")
    visitor.page.wait_for_url("**start=gpt3-175b-a100**")
    visitor.answered(1)
    assert "show.a.supply.plants=grid" in visitor.query
    assert visitor.page.locator(".columns li").count() == 2


def test_a_number_in_a_table_opens_its_walk_and_leads_on(visitor: Visitor) -> None:
    visitor.open(f"/chain?{QUICK}")
    link = visitor.page.locator("main table a[href^='/explain/ledger.cost_per_mtoken']")
    link.focus()
    visitor.page.keyboard.press("Enter")
    visitor.page.wait_for_selector("#why[open] .explained")
    visitor.page.wait_for_function("() => document.activeElement.textContent === 'Close'")
    assert "ledger.cost_per_mtoken" in visitor.text("#why")
    visitor.page.keyboard.press("Escape")
    visitor.page.wait_for_selector("#why", state="hidden")
    assert visitor.page.evaluate("() => document.activeElement.getAttribute('href')") == link.get_attribute(
        "href"
    )


def test_the_catalog_is_searched_and_the_focus_stays(visitor: Visitor) -> None:
    visitor.open("/catalog")
    with visitor.another():
        visitor.page.fill("#find", "h100 bandwidth")
        visitor.page.keyboard.press("Tab")
    assert "show.find=h100%20bandwidth" in visitor.query
    assert "entries have" in visitor.text("#answer")
    visitor.page.get_by_role("link", name="H100-SXM5-80GB", exact=True).first.click()
    visitor.page.wait_for_url("**/catalog/chips/H100-SXM5-80GB**")
    visitor.answered(1)
    assert "memory bandwidth" in visitor.text("#answer")


def test_a_name_with_a_slash_has_its_page(visitor: Visitor) -> None:
    visitor.open("/catalog/chip_dies/A100-parts/gpu")
    assert "A100-parts/gpu, an entry of chip_dies" in visitor.text("#answer")


def test_without_scripts_a_pin_and_a_comparison_work(browser: Any, server: Server) -> None:
    context = browser.new_context(java_script_enabled=False)
    try:
        page = context.new_page()
        page.set_default_timeout(120_000)
        page.goto(f"{server.address}chain?{QUICK}")
        page.get_by_role("link", name="Pin and compare").click()
        page.fill("#f-training-tokens", "10 T tokens")
        page.get_by_role("button", name="Answer").click()
        page.get_by_role("link", name="Show the answer").click()
        page.wait_for_url("**wait=1")  # a click waits until a page begins to come, not until it is there
        assert "show.a.start=deepseek-v3-h800" in page.url
        assert "10 T tokens" in page.input_value("#f-training-tokens")
        assert page.inner_text(".beside thead").split()[:3] == ["A", "B", "now"]
    finally:
        context.close()
