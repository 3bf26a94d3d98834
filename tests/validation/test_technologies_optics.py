"""The scorecard of optics: what misses is named, nothing passes by being left out."""

from __future__ import annotations

import pytest

from gigawatt.catalog import entity, table
from gigawatt.validation import validate
from gigawatt.validation.published import checks_of, parts_of
from gigawatt.validation.technologies.optics import measured

MISSES = {
    "kerr-silicon-phc: light of the threshold",  # 50 fJ for 30: another cavity than the published one
    "pluggable-800: module without the host's SerDes",  # 10 W for 15 to 16
    "electro-optic-integrated: share of the gain of ReLU over no activation",  # folds, does not train
    "kerr-silicon-phc: share of the gain of ReLU over no activation",
    "ppln-shg: share of the gain of ReLU over no activation",
}


def test_every_number_but_the_named_ones_passes() -> None:
    found = checks_of("technologies", "optics")
    missed = {one.what for one in found if not one.ok}
    assert missed == MISSES
    assert len(found) >= 17
    assert all(one.part == "optics" and one.source for one in found)


def test_published_rows_of_links_are_all_used() -> None:
    words = " ".join(one.what for one in checks_of("technologies", "optics"))
    for id in table("optical_links_published"):
        assert id in words or id == "cpo-ratio"


def test_the_runner_finds_the_part() -> None:
    assert "optics" in parts_of("technologies")
    assert len(validate("technologies", parts=("optics",)).checks) == len(checks_of("technologies", "optics"))


def test_a_wrong_area_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    from gigawatt.validation.technologies import optics as module

    load = module.load_activation
    monkeypatch.setattr(
        module,
        "load_activation",
        lambda id: load(id, area=0.1e-12) if id.startswith("absorber") else load(id),
    )
    absorber = next(one for one in checks_of("technologies", "optics") if one.what.startswith("absorber"))
    assert absorber.ours == pytest.approx(1e15 * load("absorber-graphene").threshold_energy * 0.1 / 0.318)
    assert not absorber.ok


def test_the_stored_runs_are_in_order() -> None:
    """Every run is beside controls of the same seeds."""
    runs = measured()
    assert {"linear", "relu", "silu", "clipped"} <= set(runs)
    assert runs["linear"]["loss"] > runs["relu"]["loss"]
    row = entity("optical_activations_measured", "silu").evidence("above_silu")
    assert row.value == 0.0
    assert runs["runs"]["seeds"] >= 3
