"""The JSON interface under schemathesis: what its description allows and what it does not, always an answer.

Data that fits the description may well be a question without an answer (422), so that one check of
schemathesis, that it is accepted, is left out; all others stand.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from served import HERE, Server, serving

from gigawatt.faces.web.app import create_app
from gigawatt.faces.web.guards.security import ALWAYS
from gigawatt.faces.web.starts import DEFAULT

pytestmark = pytest.mark.apart


def described() -> dict[str, Any]:
    """The description that the application gives of itself."""
    app: Any = create_app()
    while not hasattr(app, "openapi"):
        app = app.app
    return app.openapi()


DESCRIBED = described()
OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, methods in DESCRIBED["paths"].items()
    for method, operation in methods.items()
}
"""Of the description, so that schemathesis is imported where it runs: it takes two seconds."""
SLOW = ("answer", "explain", "tables", "figures/", "POST")
"""Operations whose answer is computed: fewer examples."""
GUARDS = (414, 431)
"""What the layers before the application say of a request that is too long for them."""
CASES = [
    (name, mode)
    for name in sorted(OPERATIONS)
    for mode in ("positive", "negative")
    if mode == "positive" or OPERATIONS[name].get("parameters")
]
"""Nothing can be wrong with a request without parameters."""


@lru_cache(maxsize=1)
def operations() -> dict[str, Any]:
    """The same operations by name, as schemathesis reads them."""
    import schemathesis

    found = (one.ok() for one in schemathesis.openapi.from_dict(DESCRIBED).get_all_operations())
    return {f"{one.method.upper()} {one.path}": one for one in found}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("fuzzed")) as running:
        yield running


def examples(name: str) -> settings:
    return settings(
        max_examples=12 if any(word in name for word in SLOW) else 40,
        deadline=None, derandomize=True, database=None, phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip


def test_every_operation_is_fuzzed(server: Server) -> None:
    assert json.loads(server.ask("/openapi.json").text) == DESCRIBED
    assert operations().keys() == OPERATIONS.keys()
    assert len(OPERATIONS) >= 7
    assert sum(any(word in name for word in SLOW) for name in OPERATIONS) >= 2


@pytest.mark.parametrize(("name", "mode"), CASES)
def test_every_answer_is_as_described(server: Server, name: str, mode: str) -> None:
    from schemathesis import GenerationMode
    from schemathesis.specs.openapi.checks import positive_data_acceptance

    @examples(name)
    @given(data=st.data())
    def run(data: st.DataObject) -> None:
        case = data.draw(strategy)
        answer = case.call(base_url=server.address.rstrip("/"), headers=HERE, timeout=60)
        assert answer.headers["content-security-policy"][0] == ALWAYS["content-security-policy"]
        if answer.status_code in GUARDS:  # no operation saw it
            assert answer.text.count("\n") == 1
            return
        case.validate_response(answer, excluded_checks=[positive_data_acceptance], headers=HERE)
        if answer.status_code == 202:
            ended(server, answer.json()["id"])

    strategy = operations()[name].as_strategy(generation_mode=GenerationMode(mode))
    run()


def ended(server: Server, job: str) -> None:
    """End a job, so that others may begin."""
    case = operations()["DELETE /api/v1/jobs/{id}"].Case(path_parameters={"id": job})
    assert case.call(base_url=server.address.rstrip("/"), headers=HERE, timeout=60).status_code == 200


NAMES = {"figures": "breakdown", "tables": "hourly"}
KNOWN = {"start": DEFAULT, "table": "chips", "entry": "H100-SXM5-80GB", "quantity": "training.step_time"}


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_what_is_there_is_given_as_described(server: Server, name: str) -> None:
    """Examples above are mostly refused; here every operation has an answer that the description fits."""
    wanted, base = re.findall(r"{(\w+)}", name), server.address.rstrip("/")
    known = KNOWN | {"name": NAMES.get(name.split("/")[3], "")}
    status, body = 200, {}
    if "jobs" in name:
        made = operations()["POST /api/v1/jobs"].Case(body={"kind": "answer"}, media_type="application/json")
        begun = made.call(base_url=base, headers=HERE, timeout=120)
        if name.startswith("POST"):
            status, body = 202, {"body": made.body, "media_type": "application/json"}
        known["id"] = begun.json()["id"]
    case = operations()[name].Case(path_parameters={key: known[key] for key in wanted}, **body)
    answer = case.call(base_url=base, headers=HERE, timeout=120)
    assert answer.status_code == status, answer.text
    case.validate_response(answer, headers=HERE)
    for job in filter(None, (known.get("id"), answer.json()["id"] if status == 202 else "")):
        ended(server, job)
