"""The scorecard of neuromorphic computing: what passes, what fails and is left in, what was fitted."""

from __future__ import annotations

from gigawatt.validation.published import checks_of
from gigawatt.validation.technologies.neuromorphic import truenorth_power

FOUND = {one.what: one for one in checks_of("technologies", "neuromorphic")}


def test_what_fails_is_known() -> None:
    """The chip is at half the rate of its synapses: its makers' factor does not predict reading."""
    failing = [what for what, one in FOUND.items() if not one.ok]
    assert failing == ["Loihi 2, 370 M: reading, by the catalog's synapses alone"]


def test_what_was_fitted_is_marked() -> None:
    fitted = {what for what, one in FOUND.items() if one.fitted}
    assert fitted == {
        "Loihi 2, 370 M: joules of reading",
        "Alireo of 400 M on Jetson Orin Nano: speed",
        "Alireo of 400 M on Jetson Orin Nano: joules",
    }
    assert all(FOUND[what].ok for what in fitted)


def test_a_sweep_that_two_ends_were_taken_from() -> None:
    """Merolla et al. 2014 at 0.8 V: 68 mW at 11.58 Hz, 94 mW at 95.93 Hz, 128 synapses."""
    assert abs(truenorth_power(11.58, 128.0) - 68e-3) < 1e-4
    assert abs(truenorth_power(95.93, 128.0) - 94e-3) < 1e-4


def test_sources_are_told() -> None:
    assert all(one.source for one in FOUND.values())
    assert all(one.part == "neuromorphic" for one in FOUND.values())
