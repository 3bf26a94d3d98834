"""A spiking feed-forward layer trained directly: its gradient, its counts, the path of the benchmark."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from tiny_llama import text  # noqa: E402

from gigawatt.catalog import entity, table  # noqa: E402
from gigawatt.core.errors import InputError  # noqa: E402
from spiking_training import KINDS, feed_forward, spike, train_twins  # noqa: E402

torch.set_num_threads(1)


def test_a_spike_is_a_step_with_the_gradient_of_a_fast_sigmoid() -> None:
    above = torch.tensor([-0.2, 0.0, 0.1, 3.0], requires_grad=True)
    made = spike(above, 5.0)
    made.sum().backward()
    assert made.tolist() == [0.0, 0.0, 1.0, 1.0]
    assert above.grad is not None
    assert torch.allclose(above.grad, 1.0 / (1.0 + 5.0 * above.detach().abs()) ** 2)


def test_spikes_of_a_layer_by_hand() -> None:
    """Step by step with the catalog's leak; what is counted is what was sent."""
    torch.manual_seed(0)
    layer, steps = feed_forward("spiking", 8, 12, 5).eval(), 5
    x = torch.randn(3, 8) * 3.0
    leak = entity("neuromorphic", "training").value("leak")
    with torch.no_grad():
        current = layer.up_proj(x)
        membrane, total = torch.zeros_like(current), torch.zeros_like(current)
        for _ in range(steps):
            membrane = leak * membrane + current
            fired = (membrane > 1.0).float()
            membrane, total = membrane - fired, total + fired
        found = layer(x)
    assert torch.equal(found, layer.down_proj(total / steps))
    assert layer.sent == pytest.approx(float(total.sum()))
    assert layer.active == float((total > 0).sum())
    assert layer.seen == 36


def test_twins_have_the_same_weights_and_all_learn() -> None:
    shape = {
        "vocab_size": 300, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1,
        "num_attention_heads": 2, "num_key_value_heads": 1, "max_position_embeddings": 64,
    }  # fmt: skip
    found = train_twins(text(), epochs=6.0, batch=4, length=32, windows=3, shape=shape)
    assert [one.kind for one in found] == list(KINDS)
    spiking, relu, gated = found
    assert spiking.parameters == relu.parameters == gated.parameters
    assert spiking.macs == 96 * 32
    for one in found:
        assert one.loss < 5.0  # ln 300 is 5.7
        assert 0.0 < one.active <= 1.0
    assert spiking.operations == pytest.approx(spiking.spikes * spiking.macs)
    assert spiking.active <= spiking.spikes <= 4.0
    assert relu.spikes == relu.active < 0.9
    assert gated.active > 0.99


@pytest.mark.parametrize(
    ("run", "key"),
    [
        (lambda: feed_forward("brain", 4, 4), "kind"),
        (lambda: feed_forward("spiking", 4, 4, 0), "steps"),
        (lambda: train_twins(text(), length=100_000, shape={"vocab_size": 300}), "length"),
    ],
)
def test_what_cannot_be_is_named(run: object, key: str) -> None:
    with pytest.raises(InputError) as caught:
        run()  # type: ignore[operator]
    assert caught.value.key == key


def test_stored_runs_are_twins() -> None:
    """Same weights and passes; additions are spikes by targets; the twin's zeros save more than spikes do."""
    rows = table("neuromorphic_trained")
    assert len({row.value("parameters") for row in rows.values()}) == 1
    spiking, relu = rows["spiking-t4"], rows["relu"]
    for row in (spiking, relu):
        assert row.value("operations") == pytest.approx(row.value("spikes") * row.value("macs"), rel=1e-4)
    assert abs(spiking.value("held_out") - relu.value("held_out")) < 0.1
    assert spiking.value("spikes") > 1.0 > relu.value("spikes")
