"""The documentation is true: every scenario key is listed, and nothing else."""

import re
from pathlib import Path

from pydantic import BaseModel

from gigawatt.study.scenario import Scenario

ROOT = Path(__file__).parent.parent


def keys(model: type[BaseModel], prefix: str = ""):
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from keys(kind, f"{prefix}{name}.")
        else:
            yield prefix + name


def test_docs_list_every_key_of_a_scenario():
    listed = re.findall(r"^\| `([a-z_.]+)` \|", (ROOT / "docs" / "scenario.md").read_text(), re.M)
    assert listed == list(keys(Scenario))


def test_links_between_documents_lead_somewhere():
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
