"""The drawing of documents: well-formed, every point in its place, ranges through points, names readable."""

from __future__ import annotations

import xml.etree.ElementTree as tree

import pytest

from scatter_svg import Point, scatter_svg  # pyright: ignore[reportMissingImports]

NS = "{http://www.w3.org/2000/svg}"
POINTS = [
    Point("a<b", "one", 1.0, 1.0, (0.5, 2.0), (1.0, 1.0), True),
    Point("b", "two", 10.0, 2.0, (10.0, 10.0), (1.5, 3.0)),
    Point("c", "one", 100.0, 4.0, (50.0, 300.0), (4.0, 4.0), True),
]


def test_points_lie_on_logarithmic_axes_inside_the_frame() -> None:
    root = tree.fromstring(scatter_svg(POINTS, title="t & t", x="x", y="y"))
    dots = {}
    for dot in root.iter(f"{NS}circle"):
        name = dot.find(f"{NS}title")
        if name is not None:
            dots[name.text] = (float(dot.get("cx", "nan")), float(dot.get("cy", "nan")))
    assert set(dots) == {"a<b", "b", "c"}
    assert dots["b"][0] - dots["a<b"][0] == pytest.approx(dots["c"][0] - dots["b"][0], abs=0.2)
    assert dots["a<b"][1] - dots["b"][1] == pytest.approx(dots["b"][1] - dots["c"][1], abs=0.2)
    width, height = (float(x) for x in root.get("viewBox", "").split()[2:])
    assert all(0.0 < x < width and 0.0 < y < height for x, y in dots.values())
    words = [text.text for text in root.iter(f"{NS}text")]
    assert {"a<b", "c", "one", "two", "x", "y"} <= set(words)
    assert "b" not in words  # only strong ones are named


@pytest.mark.parametrize("points", [[], [Point("a", "one", 0.0, 1.0, (1.0, 1.0), (1.0, 1.0))]])
def test_what_has_no_logarithm_is_refused(points: list[Point]) -> None:
    with pytest.raises(ValueError, match="above nought"):
        scatter_svg(points, title="t", x="x", y="y")
