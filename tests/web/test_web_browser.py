"""The page in a browser: every view, by mouse and by keyboard, light and dark, wide, narrow, on paper."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from browsing import IN_A_BROWSER, Visitor, visiting
from served import Server

from gigawatt.core.registry import views

pytestmark = IN_A_BROWSER

LISTED = [view.name for view in views() if view.listed]
_BLANK = 2_000
"""Bytes of the picture of a plot on which nothing is drawn, at most."""


def _serious(page: Any) -> list[str]:
    """What the accessibility check finds serious or worse, with the first place of each."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['nodes'][0]['target']} {one['nodes'][0]['failureSummary']}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("name", LISTED)
def test_every_view_is_shown_drawn_and_accessible(name: str, visitor: Visitor, tmp_path: Path) -> None:
    visitor.open(f"/{name}")
    page = visitor.page
    assert page.locator("h1").count() == 1
    assert page.locator("nav [aria-current=page]").inner_text() == page.inner_text("h1")
    assert page.locator("#answer h2").count() >= 1
    assert page.locator("#answer .problem").count() == 0
    for plot in page.locator(".plot:visible").all():
        picture = plot.screenshot()
        assert len(picture) > _BLANK, plot.get_attribute("id")
        assert plot.get_attribute("aria-label")
    page.screenshot(path=tmp_path / f"{name}.png", full_page=True)
    assert _serious(page) == []


@pytest.mark.parametrize("name", LISTED)
def test_every_view_is_accessible_in_the_dark_and_fits_a_narrow_screen(
    name: str, browser: Any, server: Server
) -> None:
    narrow = {"width": 390, "height": 800}
    with visiting(browser, server.address, viewport=narrow, color_scheme="dark") as visitor:
        visitor.open(f"/{name}")
        wide = visitor.page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0
        assert _serious(visitor.page) == []


def test_a_load_is_asked_by_its_size_on_a_narrow_screen(browser: Any, server: Server) -> None:
    narrow = {"width": 390, "height": 800}
    with visiting(browser, server.address, viewport=narrow) as visitor:
        visitor.open("/chain?start=campus-300mw-texas")
        page = visitor.page
        assert "Layouts" not in page.locator("#views").inner_text()
        assert all(len(plot.screenshot()) > _BLANK for plot in page.locator(".plot:visible").all())
        assert page.evaluate("() => document.documentElement.scrollWidth - innerWidth") <= 0
        page.click("#asks > summary")
        with visitor.another():
            page.focus("#r-size")
            page.keyboard.press("ArrowLeft")
        assert page.input_value("#f-size") == "200 MW"
        assert "The facility draws 200 MW" in visitor.text("#answer .lead")
        assert _serious(page) == []


def test_a_slider_moved_by_keyboard_gives_another_answer_and_address(visitor: Visitor) -> None:
    visitor.open("/chain")
    before = visitor.text("#answer .lead")
    with visitor.another():
        visitor.page.focus("#r-size")
        visitor.page.keyboard.press("ArrowLeft")
    size = visitor.page.input_value("#f-size")
    assert size == "14336"
    assert visitor.query == f"machine.count={size}"
    assert f"{int(size):,} H100" in visitor.text("#answer .lead")
    assert visitor.text("#answer .lead") != before
    assert visitor.page.get_attribute("#r-size", "aria-valuetext") == size
    links = visitor.page.eval_on_selector_all("nav a", "all => all.map((one) => one.search)")
    assert set(links) == {f"?machine.count={size}"}
    shown = visitor.text("#answer .lead")
    visitor.open(f"/chain?{visitor.query}")
    assert visitor.text("#answer .lead") == shown
    assert visitor.page.input_value("#f-size") == size


def test_a_wrong_value_says_so_at_its_field_and_the_old_answer_stays(visitor: Visitor) -> None:
    visitor.open("/chain")
    visitor.page.wait_for_selector(".uncertain .js-plotly-plot", state="visible")  # comes by itself
    answer, address = visitor.text("#answer"), visitor.page.url
    visitor.page.fill("#f-supply-carbon-limit", "100")
    visitor.page.keyboard.press("Tab")
    visitor.page.wait_for_selector("#e-supply-carbon-limit:not(:empty)")
    line = visitor.text("#e-supply-carbon-limit")
    assert line == "the unit is missing; given '100'; allowed: a number with a unit such as '100 g/kWh'"
    assert visitor.page.get_attribute("#f-supply-carbon-limit", "aria-invalid") == "true"
    assert visitor.text("#answer") == answer
    assert visitor.page.url == address
    with visitor.another():
        visitor.page.fill("#f-supply-carbon-limit", "100 g/kWh")
        visitor.page.keyboard.press("Tab")
    assert visitor.page.locator("#e-supply-carbon-limit").inner_text() == ""
    assert visitor.page.get_attribute("#f-supply-carbon-limit", "aria-invalid") is None


def test_what_cannot_be_answered_says_so_where_the_blame_lies(visitor: Visitor) -> None:
    visitor.open("/chain")
    answer = visitor.page.locator("#answer .lead").first.inner_text()  # intervals come by themselves
    visitor.page.fill("#f-size", "8")  # the model fits in no layout of so few
    visitor.page.keyboard.press("Tab")
    visitor.page.wait_for_selector("#e-size:not(:empty), #problem:not(:empty)")
    assert visitor.page.locator("#answer .lead").first.inner_text() == answer


def test_why_opens_over_the_page_by_keyboard_and_gives_the_focus_back(visitor: Visitor) -> None:
    visitor.open("/chain")
    link = visitor.page.locator("[data-explain]").first
    link.focus()
    visitor.page.keyboard.press("Enter")
    visitor.page.wait_for_selector("#why[open] .explained")
    assert visitor.page.locator("#why h2").first.inner_text()
    assert _serious(visitor.page) == []
    visitor.page.keyboard.press("Escape")
    visitor.page.wait_for_selector("#why", state="hidden")
    _focused_on(visitor.page, link.get_attribute("data-explain"))


def test_why_gives_the_focus_back_when_its_number_was_replaced_meanwhile(visitor: Visitor) -> None:
    visitor.open("/chain")
    link = visitor.page.locator("[data-explain]").first
    name = link.get_attribute("data-explain")
    link.focus()
    visitor.page.keyboard.press("Enter")
    visitor.page.wait_for_selector("#why[open] .explained")
    link.evaluate("one => one.replaceWith(one.cloneNode(true))")  # as when intervals come
    visitor.page.keyboard.press("Escape")
    visitor.page.wait_for_selector("#why", state="hidden")
    _focused_on(visitor.page, name)


def _focused_on(page: Any, name: str | None) -> None:
    page.wait_for_function("name => document.activeElement.dataset.explain === name", arg=name, timeout=5000)


def test_the_first_stop_of_the_keyboard_leads_to_the_answer(visitor: Visitor) -> None:
    visitor.open("/chain")
    visitor.page.keyboard.press("Tab")
    assert visitor.page.evaluate("() => document.activeElement.className") == "skip"
    visitor.page.keyboard.press("Enter")
    assert visitor.page.url.endswith("#answer")


def test_an_address_that_is_not_valid_opens_the_nearest_and_says_what_was_dropped(visitor: Visitor) -> None:
    visitor.open("/chain?model=lama-3.1-70b&machine.count=2048&supply.carbon_limit=5&colour=red")
    said = visitor.text(".dropped")
    assert "llama-3.1-70b is shown" in said
    assert "supply.carbon_limit" in said
    assert "colour" in said
    assert visitor.page.input_value("#f-model") == "llama-3.1-70b"
    assert visitor.page.input_value("#f-size") == "2048"


def test_without_scripts_the_form_and_the_answer_work(browser: Any, server: Server) -> None:
    with visiting(browser, server.address, java_script_enabled=False) as visitor:
        visitor.page.goto(visitor.address + "/chain")
        visitor.page.fill("#f-size", "8192")
        visitor.page.click("#question button[type=submit]")
        assert "size=8192" in visitor.page.url
        visitor.page.click("noscript a, main a[href*='wait=1']") if "Computing" in visitor.text(
            "#answer"
        ) else None
        assert "8,192 H100" in visitor.text("#answer .lead")


def test_a_page_weighs_little_and_asks_nobody_else(browser: Any, server: Server) -> None:
    with visiting(browser, server.address) as visitor:
        weights: dict[str, int] = {}

        def weigh(response: Any) -> None:
            weights[response.url] = len(response.body())

        visitor.page.on("response", weigh)
        visitor.open("/chain")
        whole = sum(size for url, size in weights.items() if "plotly" not in url)
        assert any("plotly" in url for url in weights)
        assert whole <= 2 * 2**20


def test_on_paper_only_the_answer_stands(visitor: Visitor) -> None:
    visitor.open("/chain")
    visitor.page.emulate_media(media="print")
    for selector in ("aside", "header nav", ".why"):
        assert not visitor.page.locator(selector).first.is_visible(), selector
    assert visitor.page.locator("#answer h2").first.is_visible()
    assert visitor.page.pdf(format="A4").startswith(b"%PDF")
