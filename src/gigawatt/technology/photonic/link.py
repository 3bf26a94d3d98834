"""Settings of photonic substrates, and the light that they need: losses, receivers, lasers, held weights."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from gigawatt.catalog.loader import Entity, entity
from gigawatt.core.checks import check_range, check_word
from gigawatt.technology.photonic.noise import Receiver, laser_power, photon_energy
from gigawatt.technology.substrate import Bound, Substrate

__all__ = [
    "SETTINGS",
    "converter_power",
    "detected_power",
    "dynamic",
    "held_power",
    "held_weights",
    "number",
    "optical_power",
    "part",
    "path_loss",
    "receiver",
    "streams",
    "word",
]

SETTINGS: Mapping[str, Bound] = {
    "design": ("", "what multiplies", ("mzi", "crossbar", "ring")),
    "tuning": ("", "what sets a weight", ("thermal", "electro-optic", "phase-change")),
    "attention": ("", "where the products of attention are made", ("digital", "photonic")),
    "size": ("", "modes of a mesh, rows and columns of a crossbar, outputs of a bank", 2.0, 1024.0),
    "wavelengths": ("", "channels: depth of a crossing, inputs of a bank, vectors of a mesh", 1.0, 256.0),
    "tiles": ("", "arrays that share one stream of inputs", 1.0, 1024.0),
    "cores": ("", "arrays whose currents are added before conversion", 1.0, 64.0),
    "clock": ("Hz", "symbols a second of a modulator", 1e3, 2e11),
    "photons_per_mac": ("", "detected in a multiply-accumulate (0: no shot noise)", 0.0, 1e12),
    "dac_bits": ("", "bits of an input with its sign (0: ideal)", 0.0, 12.0),
    "adc_bits": ("", "bits of an output with its sign (0: ideal)", 0.0, 14.0),
    "weight_bits": ("", "bits of a weight, or of a phase over a turn (0: ideal)", 0.0, 16.0),
    "phase_error": ("rad", "spread of the phase of a heater, an arm or a ring's round trip", 0.0, 3.1),
    "crosstalk": ("", "of a heater on the next, or 1 for rings that see all channels", 0.0, 1.0),
    "loss": ("dB", "of an element of the path", 0.0, 10.0),
    "thermal_noise": ("", "noise of a receiver, of the range of a conversion", 0.0, 1.0),
}  # fmt: skip

_DEFAULTS: Mapping[str, float] = {
    "size": 16.0, "wavelengths": 1.0, "tiles": 1.0, "cores": 1.0, "clock": 1e9, "photons_per_mac": 0.0,
    "dac_bits": 8.0, "adc_bits": 8.0, "weight_bits": 8.0, "phase_error": 0.0, "crosstalk": 0.0, "loss": 0.0,
    "thermal_noise": 0.0,
}  # fmt: skip


def number(substrate: Substrate, key: str, *, ideal: bool = False) -> float:
    """A setting or its default, within its range; an ideal converter is priced as the usual one.

    Parameters
    ----------
    substrate : Substrate
        Of technology ``photonic``.
    key : str
        A number of :data:`SETTINGS`.
    ideal : bool
        Keep bits of 0 (ideal) as they are.
    """
    value = float(substrate.settings.get(key, _DEFAULTS[key]))
    bound = SETTINGS[key]
    assert len(bound) == 4
    check_range(key, value, bound[2], bound[3], bound[0], message=f"outside its physical range: {bound[1]}")
    return _DEFAULTS[key] if key.endswith("_bits") and value == 0.0 and not ideal else value


def word(substrate: Substrate, key: str, default: str) -> str:
    """A word of the settings or ``default``, among those known; another technology is refused."""
    substrate.check_technology("photonic")
    given, bound = substrate.word(key) or default, SETTINGS[key]
    assert len(bound) == 3
    check_word(key, given, bound[2], f"not known: {bound[1]}")
    return given


def dynamic(substrate: Substrate) -> bool:
    """Whether weights are sent in for each product (a crossbar), not kept where they multiply."""
    return word(substrate, "design", "mzi") == "crossbar"


@lru_cache(maxsize=32)
def part(name: str) -> Entity:
    """A component of the table ``photonic``."""
    return entity("photonic", name)


def streams(substrate: Substrate) -> bool:
    """Whether both operands of a crossbar are streams, so that a crossing makes an inner product."""
    return dynamic(substrate) and number(substrate, "wavelengths") > 1.0


def path_loss(substrate: Substrate) -> dict[str, float]:
    """Losses [dB] that light meets from the laser to a detector, by what takes them.

    ``coupler``: onto the chip; ``modulator``; ``splitter``: of the tree that feeds the rows; ``rings``: into
    and out of the bus of wavelengths; ``elements``: the setting ``loss`` times what stands in the way: 2·size
    + 1 interferometers of two meshes and an attenuator, a ring a wavelength of a bank, a crossing at each
    branching of a crossbar.
    """
    design, size = word(substrate, "design", "mzi"), number(substrate, "size")
    stages, waves = float(np.ceil(np.log2(size))), number(substrate, "wavelengths")
    modulators = 2.0 if dynamic(substrate) and not streams(substrate) else 1.0
    node = part("coupler").value("loss") + part("mems").value("loss") + part("splitter").value("loss")
    return {
        "coupler": 0.0 if streams(substrate) else part("laser").value("coupling"),
        "modulator": modulators * part("modulator").value("loss"),
        "splitter": stages * part("splitter").value("loss"),
        "rings": 2.0 * part("ring").value("loss") if waves > 1.0 and design != "mzi" else 0.0,
        "node": node if streams(substrate) else 0.0,
        "elements": number(substrate, "loss")
        * {"mzi": 2.0 * size + 1.0, "ring": waves, "crossbar": 0.0 if streams(substrate) else stages}[design],
    }


def _summed(substrate: Substrate) -> float:
    """Products that one detector adds in one symbol."""
    if word(substrate, "design", "mzi") == "ring" or streams(substrate):
        return number(substrate, "wavelengths")
    return number(substrate, "size")


def detected_power(substrate: Substrate) -> float:
    """Light [W] that an output's detectors need: for the receiver's bits, or for ``photons_per_mac`` if more.

    A receiver of sensitivity S for one level needs S·2^bits for all.
    """
    levels = part("detector").value("sensitivity") * 2.0 ** number(substrate, "adc_bits")
    photons = number(substrate, "photons_per_mac") * _summed(substrate) * number(substrate, "clock")
    return max(levels, photons * photon_energy(part("laser").value("wavelength")))


def receiver(substrate: Substrate) -> Receiver:
    """The receiver of one output as physics has it: half the clock as its bandwidth.

    ``needed_power(bits, receiver(substrate))`` is the light that shot noise, the amplifier and the laser's
    own noise ask for, beside the rule of thumb of :func:`detected_power`.
    """
    return Receiver(
        responsivity=part("detector").value("responsivity"),
        bandwidth=0.5 * number(substrate, "clock"),
        current_noise=part("receiver").value("current_noise"),
        intensity_noise=10.0 ** (part("laser").value("intensity_noise") / 10.0),
    )


def optical_power(substrate: Substrate) -> float:
    """Light [W] that leaves the laser for one array: every output's need, and the losses on the way."""
    return float(
        laser_power(detected_power(substrate), losses=path_loss(substrate).values(), ways=_outputs(substrate))
    )


def _outputs(substrate: Substrate) -> float:
    """Detected outputs of one array at once."""
    size = number(substrate, "size")
    return size * size if streams(substrate) else size


def converter_power(name: str, bits: float, clock: float) -> float:
    """W of a converter of ``bits`` at ``clock`` from the one that was measured.

    A DAC grows as 2^b/(b+1), an ADC of successive approximation with the bits.
    """
    row = part(name)
    at = row.value("bits")

    def law(b: float) -> float:
        return 2.0**b / (b + 1.0) if name == "dac" else b

    return row.value("power") * clock / row.value("rate") * law(bits) / law(at)


def held_weights(substrate: Substrate) -> float:
    """Elements that hold a weight (or a phase) of one array."""
    size = number(substrate, "size")
    design = word(substrate, "design", "mzi")
    if design == "mzi":
        return 2.0 * size * size  # two meshes of size·(size−1) phases, 2·size at outputs
    return size * (number(substrate, "wavelengths") if design == "ring" else size)


def held_power(substrate: Substrate) -> float:
    """W that keep the weights of one array."""
    design, tuning = word(substrate, "design", "mzi"), word(substrate, "tuning", "thermal")
    if streams(substrate):
        return 0.0
    if design == "crossbar":
        return held_weights(substrate) * part("cell").value("power")
    if tuning == "thermal":
        if design == "ring":
            return held_weights(substrate) * part("ring").value("power")
        heater = part("heater")
        return held_weights(substrate) * heater.value("power") * heater.value("level")
    return 0.0
