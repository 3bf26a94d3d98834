"""In a browser: sites ranked, a load split, the bill of a tariff, and what stands near a plan."""

from __future__ import annotations

from urllib.parse import urlencode

from browsing import IN_A_BROWSER, Visitor

pytestmark = IN_A_BROWSER

_CHANGES = {
    "start": "campus-300mw-texas", "supply.plants": "grid,gas-engine", "supply.carbon_limit": "",
    "supply.units": "any", "supply.grid.limit": "",
}  # fmt: skip
QUICK = urlencode(_CHANGES)
ON_THE_GRID = urlencode({**_CHANGES, "supply.plants": "grid"})


def test_sites_are_ranked_with_progress_and_the_form_stays(visitor: Visitor) -> None:
    visitor.open(f"/sites?{QUICK}")
    page = visitor.page
    page.fill("#s-places", "texas, dublin")
    page.click("text=Rank the sites")
    page.wait_for_selector("#ranked .job progress")
    page.wait_for_selector("#ranked .plot svg.main-svg")
    assert page.locator("#ranked .job").count() == 0
    assert "Abilene, Texas is cheapest of 2 sites" in visitor.text("#ranked")
    page.select_option("#s-by", "carbon")
    page.click("text=Rank the sites")
    page.wait_for_selector("#ranked >> text=cleanest of 2 sites")


def test_a_load_is_split_and_a_wrong_limit_is_one_line(visitor: Visitor) -> None:
    visitor.open(f"/sites?{QUICK}")
    page = visitor.page
    page.fill("#s-sites", "texas, dublin")
    page.fill("#s-machines", "900 $/kW")
    page.fill("#s-most", "texas")
    page.click("text=Split the load")
    page.wait_for_selector("#split .problem")
    assert "not a power of a place" in visitor.text("#split .problem")
    page.fill("#s-most", "texas=60 MW")
    page.click("text=Split the load")
    page.wait_for_selector("#split .plot svg.main-svg")
    assert "Abilene, Texas 20 % and Dublin 80 %" in visitor.text("#split")


def test_what_stands_near_a_plan_is_asked_with_progress(visitor: Visitor) -> None:
    visitor.open(f"/supply?{QUICK}")
    page = visitor.page
    page.select_option("select[name='show.within']", "5%")
    page.click("text=Look around the plan")
    page.wait_for_selector("#near .job progress")
    page.wait_for_selector("#plot-near svg.main-svg")
    text = visitor.text("section[aria-labelledby=h-near-found]")
    assert "Within 5 % of the cost" in text
    assert "turns" in text


def test_a_tariff_brings_its_bill(visitor: Visitor) -> None:
    visitor.open(f"/supply?{ON_THE_GRID}")
    assert "No tariff" in visitor.text("section[aria-labelledby=h-bill]")
    page = visitor.page
    page.evaluate("document.querySelectorAll('#question details').forEach(one => one.open = true)")
    with visitor.another():
        page.select_option("#f-supply-grid-tariff", "ercot-wholesale")
    page.wait_for_selector("#plot-bill svg.main-svg")
    text = visitor.text("section[aria-labelledby=h-bill]")
    assert "Transmission" in text
    assert "100.0 %" in text
