"""What tests in a browser share: a server, a browser, a visitor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from browsing import Visitor, browsing, visiting
from served import Server, serving


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("served")) as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Of a module, not of the session: while it is open, no other event loop may run in its process."""
    with browsing() as found:
        yield found


@pytest.fixture
def visitor(browser: Any, server: Server) -> Iterator[Visitor]:
    with visiting(browser, server.address) as found:
        yield found
