"""A browser before the page: chromium, driven by playwright, and a visitor who notes what goes wrong."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest

__all__ = ["IN_A_BROWSER", "Visitor", "browsing", "visiting"]

CHROMIUM = next((path for name in ("chromium", "chromium-browser") if (path := shutil.which(name))), None)
IN_A_BROWSER = [
    pytest.mark.skipif(
        CHROMIUM is None, reason="needs chromium (apt install chromium): the page is not looked at"
    ),
    pytest.mark.apart,
]
"""Marks of every module whose tests need a browser."""
_FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
_PATIENCE = 120_000  # ms: a loaded machine is no fault of the page


@dataclass
class Visitor:
    """A page that is looked at: what its console said, what it asked for, how much came."""

    page: Any
    address: str
    said: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    weights: dict[str, int] = field(default_factory=dict)

    def open(self, path: str, *, answered: bool = True) -> None:
        """Go to a path and wait until its answer stands there, figures drawn."""
        self.page.goto(self.address + path)
        if answered:
            self.answered(1)

    @property
    def answers(self) -> int:
        """How many answers were shown since the page was opened."""
        return int(self.page.locator("html").get_attribute("data-drawn") or 0)

    def answered(self, number: int) -> None:
        """Wait until so many answers were shown and drawn."""
        self.page.wait_for_selector(f"html[data-drawn='{number}']", state="attached")

    @contextmanager
    def another(self) -> Iterator[None]:
        """What is done in the block brings one more answer, which is waited for."""
        before = self.answers
        yield
        self.answered(before + 1)

    def text(self, selector: str) -> str:
        return " ".join(self.page.inner_text(selector).split())

    @property
    def query(self) -> str:
        return urlsplit(self.page.url).query


@contextmanager
def browsing() -> Iterator[Any]:
    """A browser of its own."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=list(_FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def visiting(browser: Any, address: str, *, quiet: bool = True, **options: Any) -> Iterator[Visitor]:
    """One visitor; at the end nothing may have gone wrong in the console, and nobody else was asked."""
    options.setdefault("viewport", {"width": 1400, "height": 1000})
    context = browser.new_context(**options)
    context.set_default_timeout(_PATIENCE)
    visitor = Visitor(context.new_page(), address.rstrip("/"))
    page, home = visitor.page, urlsplit(address).netloc

    def hear(message: Any) -> None:
        refused = (
            "422" in message.text
        )  # a refusal at a field, which the browser notes as it notes any status
        if message.type in ("error", "warning") and not refused:
            visitor.said.append(message.text)

    def asks(request: Any) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob") and parts.netloc != home:
            visitor.strangers.append(request.url)

    page.on("console", hear)
    page.on("pageerror", lambda error: visitor.said.append(str(error)))
    page.on("request", asks)
    try:
        yield visitor
    finally:
        context.close()
    assert visitor.strangers == []
    if quiet:
        assert visitor.said == []
