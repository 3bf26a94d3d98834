"""Technologies as registered: what is not supported goes to the host by name; a new one is a folder."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from gigawatt.core.errors import InputError
from gigawatt.machine.load import load_chip
from gigawatt.technology import registry
from gigawatt.technology.interface import Model, Technology
from gigawatt.technology.mapper import places, reason_of, runs_on
from gigawatt.technology.multiplier import Multiplier
from gigawatt.technology.operations import OPERATIONS, PRODUCTS, Support, every
from gigawatt.technology.registry import model_of, registered, technologies
from gigawatt.technology.rollup import token_cost
from gigawatt.technology.substrate import Substrate
from gigawatt.workload import read_architecture

ROOT = Path(__file__).parents[2]
LLAMA = read_architecture("llama-3.1-8b")
MIXTRAL = read_architecture("mixtral-8x7b")
FACES = {"quantum": "", "near_memory": ""}


class Stub(Multiplier):
    """It only multiplies."""

    def joules(self, substrate, *, m, n, k, statistics):
        return {"product": 1e-15 * m * n * k}

    def seconds(self, substrate, *, m, n, k, statistics):
        return 1e-9 * m


STUB = Technology(
    name="stub",
    title="stub",
    operations=every(PRODUCTS, "product by weights"),
    cost=f"{__name__}:Stub",
    parts={"product": "arithmetic"},
)
ON_STUB = Substrate("stub", "stub", "stub", {})


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch):
    """Register a technology for one test."""

    def put(made: Technology) -> None:
        known = {**technologies(), made.name: made}
        monkeypatch.setattr(registry, "technologies", lambda: known)
        model_of.cache_clear()

    yield put
    model_of.cache_clear()


def test_what_only_multiplies_leaves_everything_else_to_the_host_by_name(stub) -> None:
    stub(STUB)
    for model in (LLAMA, MIXTRAL):
        by = {one.work.operation.name: one for one in places(ON_STUB, model)}
        host = {name: one.reason for name, one in by.items() if not one.on_substrate}
        assert "neither operand was written" in host["attention.decode"]
        assert host["norm"].startswith("norm: element by element")
        assert host["head.sample"].startswith("softmax")
        assert "head in digital" in host["head.logits"]
        assert by["attention.qkv"].on_substrate
    cost = token_cost(ON_STUB, LLAMA, chip="H100")
    assert 0.0 < cost.mapped_energy < 0.95
    assert 0.0 < cost.mapped_operations < 1.0
    assert cost.energy["fallback"] > 0.0


def test_nothing_that_is_not_a_product_is_priced_by_a_multiplier(stub) -> None:
    stub(STUB)
    norm = next(one.work for one in places(ON_STUB, LLAMA) if one.work.operation.name == "norm")
    with pytest.raises(InputError, match="its host's"):
        model_of("stub").product(norm, ON_STUB, {}, chip=load_chip("H100"))


def test_formats_and_phases_that_are_not_supported_go_to_the_host(stub) -> None:
    stub(replace(STUB, formats=("int8",)))
    work = [one for one in places(ON_STUB, LLAMA) if one.work.linear]
    assert {one.on_substrate for one in work} == {False}
    assert "stub multiplies int8: this operation is in bf16" in {one.reason for one in work}
    narrow = replace(work[0].work.operation, number_format="int8")
    assert reason_of(ON_STUB, narrow) == (True, "product by weights")
    assert "training changes every weight" in reason_of(ON_STUB, narrow, phase="training")[1]
    assert "training changes every weight" in reason_of(ON_STUB, replace(narrow, phase="backward"))[1]
    stub(replace(STUB, phases=("training",)))
    assert "registered for training alone" in reason_of(ON_STUB, narrow)[1]
    stub(replace(STUB, phases=("inference", "training")))
    assert runs_on(ON_STUB, narrow, phase="training")[0] is ON_STUB


def test_settings_decide_where_a_support_asks_for_them(stub) -> None:
    way = {"attention": Support("both operands are sent in", {"attention": "stub"})}
    stub(replace(STUB, operations={**STUB.operations, **way}))
    attends = replace(ON_STUB, settings={"attention": "stub"})
    decode = next(one.work.operation for one in places(ON_STUB, LLAMA) if "decode" in one.work.operation.name)
    assert reason_of(ON_STUB, decode)[0] is False
    assert reason_of(attends, decode) == (True, "both operands are sent in")


@pytest.mark.parametrize(
    ("changed", "key", "given"),
    [
        ({"operations": {"levitation": Support("up")}}, "stub.operations", "levitation"),
        ({"phases": ("sleep",)}, "stub.phases", "sleep"),
        ({"parts": {"product": "magic"}}, "stub.parts", "magic"),
        ({"refusals": {"softmaxx": "no"}}, "stub.refusals", "softmaxx"),
        ({"cost": "nowhere"}, "stub.cost", "nowhere"),
    ],
)
def test_a_registration_of_what_does_not_exist_is_refused(changed, key: str, given: str) -> None:
    with pytest.raises(InputError) as refused:
        replace(STUB, **changed)
    assert (refused.value.key, refused.value.given) == (key, given)


def test_every_technology_satisfies_the_one_protocol() -> None:
    wanted = {name for name in vars(Model) if not name.startswith("_")}
    assert {"lacks", "cost", "product", "standing_power", "decode"} <= wanted
    for name, known in technologies().items():
        for training in (False, True):
            model = known.model(training=training)
            assert all(callable(getattr(model, one, None)) for one in wanted), name
        assert set(known.operations) | set(known.refusals) <= set(OPERATIONS)
        assert isinstance(known.bounds(), dict)
    assert {"digital", "gpu", "hybrid", "analog", "photonic", "neuromorphic", "quantum"} <= set(
        technologies()
    )
    assert registered("gpu") is registered("digital")


def test_functional_faces_are_named_and_their_modules_are_there() -> None:
    import importlib.util

    for known in technologies().values():
        if known.name in FACES:
            assert not known.emulation
        else:
            assert importlib.util.find_spec(known.emulation) is not None, known.name


def test_no_plan_or_registration_imports_torch(tmp_path: Path) -> None:
    """A run, and every cost model and range of settings that is registered: no torch."""
    code = (
        "import sys\n"
        "from gigawatt.technology.registry import technologies\n"
        "[(one.model(), one.bounds()) for one in technologies().values()]\n"
        "from gigawatt.faces.terminal.app import main\n"
        "sys.argv = ['gigawatt', 'run', 'examples/llama-3.1-405b-texas.yaml', '--quiet', '--draws', '100',\n"
        f"            '--out', {str(tmp_path / 'out')!r}]\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        "found = [name for name in sys.modules if name.partition('.')[0] in ('torch', 'transformers')]\n"
        "assert not found, found[:3]\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=300, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]


# the worked example of the documentation


def example() -> dict[str, str]:
    """File → content, as the page shows them; the entry point under ``toml``."""
    text = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    section = re.search(r"^## A technology: one folder$.*?(?=^## |\Z)", text, re.M | re.S)
    assert section is not None
    found = dict(re.findall(r"`([\w/.]+\.(?:py|csv))`:\n\n```\w+\n(.*?)^```$", section[0], re.M | re.S))
    toml = re.search(r"```toml\n(.*?)^```$", section[0], re.M | re.S)
    assert toml is not None
    return {**found, "toml": toml[1]}


def compared(path: list[Path], catalog: Path) -> dict[str, dict]:
    environment = {**os.environ, "GIGAWATT_CATALOG": str(catalog)}
    environment["PYTHONPATH"] = os.pathsep.join(str(one) for one in path)
    code = "import sys; from gigawatt.faces.terminal.app import main; sys.exit(main())"
    words = ["technologies", "compare", "--substrate", "bf16", "--substrate", "afpr", "--json"]
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        capture_output=True, text=True, timeout=120, env=environment, cwd=catalog, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return {row["substrate"]: row for row in json.loads(done.stdout)["rows"]}


def check(rows: dict[str, dict]) -> None:
    cost = rows["afpr"]["cost"]
    p = LLAMA.parameters
    linear = 2.0 * (p.attention + p.feed_forward)
    assert cost["energy"]["arithmetic"] == pytest.approx(linear / 19.89e12, rel=1e-9)
    per_vector = 2.0 * 576 * 256 / 1474.56e9
    assert cost["time"]["arithmetic"] == pytest.approx(4 * 32 * per_vector, rel=1e-9)
    by = {one["operation"]: one for one in cost["placed"]}
    assert by["mlp.up"]["on_substrate"]
    assert not by["attention.decode"]["on_substrate"]
    assert not by["norm"]["on_substrate"]
    assert 0.8 < cost["mapped_energy"] < 0.95


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    folder = tmp_path / "catalog"
    folder.mkdir()
    for name in ("substrates.csv", "substrates.details.csv"):
        (folder / name).write_text(example()[name], encoding="utf-8")
    return folder


def test_the_example_of_a_technology_is_one_folder_of_a_copy(tmp_path: Path, tables: Path) -> None:
    source = tmp_path / "src"
    skipped = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "src", source, copy_function=os.symlink, ignore=skipped)
    added = [name for name in example() if name.startswith("src/")]
    assert {str(Path(name).parent) for name in added} == {"src/gigawatt/technology/float_macro"}
    for name in added:
        target = tmp_path / name
        target.parent.mkdir(exist_ok=True)
        target.write_text(example()[name], encoding="utf-8")
    check(compared([source], tables))


def test_the_example_works_from_another_package_by_its_entry_point(tmp_path: Path, tables: Path) -> None:
    other = tmp_path / "other"
    package = other / "my_macros"
    package.mkdir(parents=True)
    for name, text in example().items():
        if name.endswith(".py"):
            text = text.replace("gigawatt.technology.float_macro", "my_macros")
            (package / Path(name).name).write_text(text, encoding="utf-8")
    shown = re.search(r'^\[project\.entry-points\."(.*)"\]\n(\w+) = "(.*)"$', example()["toml"], re.M)
    assert shown is not None
    made = other / "my_macros-1.0.dist-info"
    made.mkdir()
    (made / "METADATA").write_text("Metadata-Version: 2.1\nName: my-macros\nVersion: 1.0\n")
    (made / "entry_points.txt").write_text(f"[{shown[1]}]\n{shown[2]} = {shown[3]}\n")
    check(compared([ROOT / "src", other], tables))


def test_entry_points_that_are_no_technology_or_take_a_name_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Point:
        value = "other:THING"

        def __init__(self, thing: object) -> None:
            self.load = lambda: thing

    for thing, words in (
        (3, "not a technology"),
        (replace(STUB, name="gpu"), "two technologies of one name"),
    ):
        monkeypatch.setattr("importlib.metadata.entry_points", lambda group, thing=thing: [Point(thing)])
        technologies.cache_clear()
        with pytest.raises(InputError, match=words):
            technologies()
    technologies.cache_clear()
