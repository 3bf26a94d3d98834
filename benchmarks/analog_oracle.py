"""Golden errors of a layer on phase-change tiles, from aihwkit 1.1.0: rows of ``analog_published``.

Its torch tile with the presets of ``StandardHWATrainingPreset``, without IR drop and output-referred weight
noise, which that tile does not have. Weights and inputs are those of
``gigawatt.validation.technologies.analog.layer_errors``.

    pip install --no-deps aihwkit==1.1.0
    python benchmarks/analog_oracle.py
"""

from __future__ import annotations

import numpy as np
import torch
from aihwkit.nn import AnalogLinear
from aihwkit.simulator.configs import TorchInferenceRPUConfig
from aihwkit.simulator.parameters.enums import WeightNoiseType
from aihwkit.simulator.presets import StandardHWATrainingPreset

KEPT = ("inp_res", "out_res", "bound_management", "noise_management", "nm_thres", "out_noise", "out_bound")


def configuration() -> TorchInferenceRPUConfig:
    """The preset on the torch tile."""
    preset = StandardHWATrainingPreset()
    made = TorchInferenceRPUConfig(
        mapping=preset.mapping,
        noise_model=preset.noise_model,
        drift_compensation=preset.drift_compensation,
        pre_post=preset.pre_post,
        remap=preset.remap,
    )
    for name in KEPT:
        setattr(made.forward, name, getattr(preset.forward, name))
    made.forward.w_noise, made.forward.w_noise_type, made.forward.ir_drop = 0.0, WeightNoiseType.NONE, 0.0
    return made


def errors(inputs: int, draws: int = 5) -> dict[str, float]:
    """Mean relative errors after each stage."""
    rng = np.random.default_rng(20)
    w = torch.tensor((rng.standard_normal((512, inputs)) / np.sqrt(inputs)).astype(np.float32))
    x = torch.tensor(rng.standard_normal((1024, inputs)).astype(np.float32))
    exact = x @ w.T
    found: dict[str, list[float]] = {}
    for seed in range(draws):
        torch.manual_seed(seed)
        layer = AnalogLinear(inputs, 512, bias=False, rpu_config=configuration())
        layer.set_weights(w)
        layer.eval()
        for tile in layer.analog_tiles():
            tile.set_input_range(3.0)

        def note(stage: str, of: AnalogLinear = layer) -> None:
            with torch.no_grad():
                found.setdefault(stage, []).append(float((of(x) - exact).norm() / exact.norm()))

        note("forward")
        layer.program_analog_weights()
        note("programmed")
        layer.drift_analog_weights(3600.0)
        note("hour")
        layer.drift_analog_weights(86400.0)
        note("day")
        for tile in layer.analog_tiles():
            tile.alpha = torch.ones(1)
        note("day_uncompensated")
    return {stage: float(np.mean(values)) for stage, values in found.items()}


if __name__ == "__main__":
    torch.set_num_threads(1)
    for inputs in (256, 512, 1024):
        print(inputs, {stage: round(value, 5) for stage, value in errors(inputs).items()})
