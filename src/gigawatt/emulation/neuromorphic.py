"""A language model on spiking cores: every number that enters a linear layer goes there as spikes.

:func:`convert` replaces every linear layer of the blocks by a :class:`SpikingLinear`: its inputs, rotated
where that is asked for, drive signed integrate-and-fire neurons for T steps; spikes are multiplied by
nothing, the weights of their targets are added to integer potentials. Embeddings, norms, gates, the products
of attention and the output head stay digital. Every spike and every addition that it causes is counted.
"""

# pyright: reportMissingImports=false

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from gigawatt.catalog.loader import entity
from gigawatt.core.errors import InputError
from gigawatt.emulation.formats import hadamard, rotate
from gigawatt.emulation.layers import Counted, SharedInput, linear_layers, replace_layer, watch_inputs
from gigawatt.emulation.neurons import counts, first_spikes, rate_spikes, to_fixed
from gigawatt.technology.neuromorphic.cores import SETTINGS, setting
from gigawatt.technology.substrate import Substrate, check_settings

if TYPE_CHECKING:
    from torch import Generator, Tensor, nn

__all__ = ["NOISY", "SETTINGS", "Spikes", "convert", "layer_class", "weight_codes", "written_weights"]

NOISY = False
"""One run of a substrate is enough: only the cells of the memristive core are drawn, one chip of them."""

_KEPT = 512  # calibration tokens of a layer whose magnitudes are sorted for a threshold


class Spikes(Counted):
    """What a run counted, as :data:`~gigawatt.technology.substrate.Statistics`.

    ``synaptic_operations`` (additions of a weight to a potential), ``macs`` that a dense run of the same
    layers makes, and ``neuron_updates`` are by the token. ``spikes_per_activation`` is the first over the
    second: spikes weighted by their targets. ``activation_zeros`` sent nothing; ``saturated`` were above
    their threshold. The last two and ``activation_crest`` are weighted by targets too.
    """

    def __init__(self) -> None:
        super().__init__()
        self.tokens = self.macs = self.operations = self.updates = 0.0
        self.zeros = self.saturated = self.crest = 0.0

    def count(self, macs: float, operations: float, zeros: float, saturated: float, crest: float) -> None:
        """One pass of a layer; shares are of its inputs."""
        self.macs += macs
        self.operations += operations
        self.zeros += macs * zeros
        self.saturated += macs * saturated
        self.crest += macs * crest

    def totals(self) -> dict[str, float]:
        """By the token, and shares."""
        tokens, macs = max(self.tokens, 1.0), max(self.macs, 1.0)
        return {
            "tokens": self.tokens,
            "macs": self.macs / tokens,
            "synaptic_operations": self.operations / tokens,
            "neuron_updates": self.updates / tokens,
            "spikes_per_activation": self.operations / macs,
            "activation_zeros": self.zeros / macs,
            "saturated": self.saturated / macs,
            "activation_crest": self.crest / macs,
        }


def weight_codes(weight: Tensor, bits: int) -> tuple[Tensor, Tensor]:
    """(whole numbers of ``bits`` bits with their sign, scale of each output) of a weight (out, in)."""
    import torch

    largest = float(2 ** (bits - 1) - 1)
    scale = weight.abs().amax(1, keepdim=True) / largest
    scale = torch.where(scale > 0.0, scale, torch.ones_like(scale))
    return (weight / scale).round_().clamp_(-largest, largest), scale


def written_weights(weight: Tensor, generator: Generator | None = None) -> Tensor:
    """A weight (out, in) as pairs of resistive cells hold it just after they were written.

    Cells, tiles and the spread of writing are those of the analog substrate ``rram``; the potentials that
    spikes add up are taken as exact.
    """
    from torch import nn

    from gigawatt.emulation.analog import AnalogLinear

    plain = nn.Linear(weight.shape[1], weight.shape[0], bias=False)
    plain.weight.data = weight
    settings: dict[str, float | str] = {"device": "rram", "tile_rows": 256.0, "tile_columns": 256.0}
    ideal = {"dac_bits": 0.0, "adc_bits": 0.0, "output_noise": 0.0, "read_noise": 0.0, "ir_drop": 0.0}
    cells = Substrate("rram", "rram", "analog", {**settings, **ideal})
    return AnalogLinear(plain, cells, generator=generator).matrix().detach()


def layer_class() -> type[nn.Module]:
    """:class:`SpikingLinear`, the replacement of a linear layer; made when torch is there."""
    import torch
    from torch import nn

    class SpikingLinear(nn.Module):
        """A linear layer that receives spikes.

        Parameters
        ----------
        linear : nn.Linear
            Read, not changed; a bias is added digitally.
        substrate : Substrate
            Of technology ``neuromorphic``.
        counter : Spikes
            Filled while ``counting``.
        shared : object, optional
            Between layers whose inputs are the same.
        generator : torch.Generator, optional
            Of the writing of memristive synapses.
        """

        def __init__(
            self,
            linear: nn.Linear,
            substrate: Substrate,
            counter: Spikes,
            shared: Any = None,
            generator: Generator | None = None,
        ) -> None:
            super().__init__()
            self.in_features, self.out_features = linear.in_features, linear.out_features
            self.steps = int(setting(substrate, "steps"))
            self.once = substrate.word("coding") == "ttfs"
            self.counter, self.shared = counter, shared or SharedInput()
            block = int(setting(substrate, "rotate"))
            self.matrix = hadamard(block) if block else None
            weight = self.turn(linear.weight.detach().to(torch.float32))
            if substrate.word("core") == "memristive":
                codes, scale = written_weights(weight, generator), torch.ones(self.out_features, 1)
            else:
                codes, scale = weight_codes(weight, int(setting(substrate, "weight_bits")))
            self.register_buffer("codes", codes)
            self.register_buffer("scale", scale[:, 0])
            self.bias = linear.bias
            self.fixed: float | None = None
            self.counting = True

        def turn(self, x: Tensor) -> Tensor:
            """Rotated by Hadamard blocks where the substrate asks for it."""
            return x if self.matrix is None else rotate(x, self.matrix)

        def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
            """(fixed-point currents, threshold of each token) of inputs that were turned."""
            if self.fixed is None:
                reach = x.abs().amax(-1, keepdim=True)
            else:
                reach = x.new_full((*x.shape[:-1], 1), self.fixed)
            return to_fixed(x, reach), reach

        def _enter(self, x: Tensor) -> tuple[Tensor, Tensor, dict[str, float]]:
            turned = self.turn(x.to(torch.float32))
            current, reach = self.encode(turned)
            sent = counts(current, self.steps)
            seen: dict[str, float] = {}
            if self.counting:
                zero = sent == 0.0
                rms = turned.square().mean(-1).sqrt().clamp(min=1e-30)
                seen = {
                    "spikes": float((~zero).sum() if self.once else sent.abs().sum(dtype=torch.float64)),
                    "zeros": float(zero.float().mean()),
                    "saturated": float((turned.abs() > reach).float().mean()),
                    "crest": float((turned.abs().amax(-1) / rms).mean()),
                }
                self.counter.updates += float(self.steps) * x.numel()
            return sent, reach, seen

        def forward(self, x: Tensor) -> Tensor:
            """Sums of weights by spikes, scaled; of the type of ``x``."""
            key = (self.steps, self.once, self.fixed, self.counting)
            if self.shared.source is not x or self.shared.key != key or self.shared.made is None:
                self.shared.source, self.shared.key = x, key
                self.shared.made = self._enter(x)
            sent, reach, seen = self.shared.made
            if self.counting:
                tokens = float(x.shape[:-1].numel())
                self.counter.updates += float(self.steps) * tokens * self.out_features
                self.counter.count(
                    tokens * self.in_features * self.out_features,
                    seen["spikes"] * self.out_features,
                    seen["zeros"],
                    seen["saturated"],
                    seen["crest"],
                )
            return self._read(nn.functional.linear(sent, self.codes), reach, x)

        def _read(self, potential: Tensor, reach: Tensor, x: Tensor) -> Tensor:
            made = potential * self.scale * (reach / self.steps)
            return (made if self.bias is None else made + self.bias).to(x.dtype)

        def simulate(self, x: Tensor) -> tuple[Tensor, Tensor]:
            """The same step by step, the reference of :meth:`forward`: (outputs, spikes (steps, …, inputs)).

            Potentials are kept in float64, where sums of whole numbers are exact.
            """
            current, reach = self.encode(self.turn(x.to(torch.float32)))
            fired = (first_spikes if self.once else rate_spikes)(current, self.steps)
            codes = self.codes.to(torch.float64)
            potential = torch.zeros(*x.shape[:-1], self.out_features, dtype=torch.float64)
            flowing = torch.zeros_like(potential)
            for spikes in fired:
                arriving = nn.functional.linear(spikes.to(torch.float64), codes)
                flowing = flowing + arriving if self.once else arriving
                potential = potential + flowing
            return self._read(potential.to(torch.float32), reach, x), fired

    return SpikingLinear


def _calibrate(model: Any, plain: dict[str, Any], layers: dict[str, Any], windows: Tensor) -> None:
    """A fixed threshold for each layer: a percentile of the magnitudes that enter it before conversion."""
    import torch

    share = entity("neuromorphic", "encoding").value("percentile")
    seen: dict[str, list[Tensor]] = {}

    def see(name: str, x: Tensor) -> None:
        kept = seen.setdefault(name, [])
        if sum(len(one) for one in kept) < _KEPT:
            kept.append(layers[name].turn(x[:: max(1, len(x) // 64)].to(torch.float32)).abs())

    watch_inputs(model, plain, windows, see)
    for name, layer in layers.items():
        values = torch.cat(seen.pop(name)).flatten().sort().values
        layer.fixed = float(values[min(len(values) - 1, int(share * len(values)))])


def convert(model: Any, substrate: Substrate, calibration_inputs: Tensor, generator: Generator) -> Spikes:
    """Replace the linear layers of ``model`` in place by spiking ones; gives what is counted.

    Parameters
    ----------
    model : LlamaForCausalLM or the like
        In fp32; embeddings and head stay as they are.
    substrate : Substrate
        Of technology ``neuromorphic``, with :data:`SETTINGS`.
    calibration_inputs : tensor (n, tokens)
        Token ids of training text; read where ``threshold`` is ``percentile``.
    generator : torch.Generator
        Of the writing of memristive synapses; nothing else is drawn.

    Returns
    -------
    Spikes
        Fills itself while the model runs.

    Raises
    ------
    InputError
        A setting or size that does not fit; no calibration inputs where they are needed.
    """
    substrate.check_technology("neuromorphic")
    check_settings(substrate, SETTINGS, whole=True)
    fixed = substrate.word("threshold") == "percentile"
    if fixed and not len(calibration_inputs):
        raise InputError(
            "needs inputs of calibration", key="calibration", given=0, allowed="a window or more"
        )
    counter, shared, kind = Spikes(), SharedInput(), layer_class()
    layers: dict[str, Any] = {}
    for name, linear in linear_layers(model):
        layers[name] = kind(linear, substrate, counter, shared, generator)
    if fixed:
        _calibrate(model, dict(linear_layers(model)), layers, calibration_inputs)
    for name, layer in layers.items():
        replace_layer(model, name, layer)
    zeros = sum(float((layer.codes == 0.0).sum()) for layer in layers.values())
    total = sum(layer.codes.numel() for layer in layers.values())
    counter.fixed = {
        "weight_zeros": zeros / total,
        "weight_bits": setting(substrate, "weight_bits"),
        "activation_bits": math.log2(2.0 * setting(substrate, "steps") + 1.0),
        "cache_bits": 16.0,
        "steps": setting(substrate, "steps"),
    }

    def tokens(_: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        counter.tokens += kwargs["input_ids"].numel()

    model.register_forward_pre_hook(tokens, with_kwargs=True)
    return counter
