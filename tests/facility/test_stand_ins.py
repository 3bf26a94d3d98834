"""What the docs say of weather from elsewhere is what the shipped years give when each is left out."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from gigawatt.catalog import entity
from gigawatt.facility import load_weather
from gigawatt.facility.sites import distance

ROOT = Path(__file__).resolve().parents[2]


def test_the_errors_of_a_stand_in_are_those_that_are_told() -> None:
    spec = importlib.util.spec_from_file_location("stand_ins", ROOT / "benchmarks" / "stand_ins.py")
    assert spec is not None
    assert spec.loader is not None
    made = sys.modules["stand_ins"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    known, text = made.years(), (ROOT / "docs" / "bring-your-own.md").read_text(encoding="utf-8")
    assert len(known) > 100
    medians: list[dict[str, float]] = []
    for (low, high), pairs in made.by_distance(known).items():
        found = made.errors(pairs)
        medians.append({name: middle for name, (middle, _) in found.items()})
        row = made.row(f"{low / 1e3:.0f} to {high / 1e3:.0f} km", pairs)
        assert row in text
    for name in ("pue", "sun", "wind"):  # farther is worse: the last band against the first two
        assert medians[-1][name] > max(one[name] for one in medians[:2])
    limits = entity("places_limits", "world")
    near = [(a, b) for a, b in made.chosen(known) if distance(*a.at, *b.at) <= made.REACH]
    assert made.errors(near)["wind"] == pytest.approx(limits.at("wind_stand_in", 0.0)[::2], abs=0.01)
    middle, most = made.moved(known, 300e3, 1000e3)
    assert (middle, most) == pytest.approx(limits.at("moved_pue", 0.0)[::2], abs=1e-3)
    far = [pair for band, pairs in made.by_distance(known).items() if band[0] >= 300e3 for pair in pairs]
    assert middle < 0.6 * made.errors(far)["pue"][0]
    shares = made.raised().values()
    assert len(shares) == 5
    for of, name in enumerate(("wind_10m", "wind_scaled")):
        middle, least, most = limits.at(name, 0.0)
        found = sorted(share[of] for share in shares)
        assert (found[2], found[0], found[-1]) == pytest.approx((middle, least, most), abs=0.01)


def test_wind_of_another_place_is_told_and_a_station_beside_is_not() -> None:
    (far,) = [one for one in load_weather("culham").assumptions if one.key == "site.weather"]
    assert "off by 23 % in the median, 66 % in one of ten" in far.reason
    (near,) = [one for one in load_weather("memphis").assumptions if one.key == "site.weather"]
    assert "off by" not in near.reason
