"""Low-rank adapters: parameters, multiplications, memory and exchanges beside those of all weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gigawatt.chain.asking import Asker
from gigawatt.schema.changed import scenario_of
from gigawatt.workload import model_flops_per_token, read_architecture
from gigawatt.workload.adapters import adapted, adapted_flops_per_token, adapter_parameters
from gigawatt.workload.operations import block_operations

BASE: dict[str, Any] = {
    "model": "llama-3.1-8b", "training.tokens": "1B tokens", "training.global_batch": "64 sequences",
    "training.sequence": "4096 tokens", "machine.chip": "H100", "machine.count": 8, "site.name": "virginia",
    "supply.price": "60 $/MWh", "layout.recompute": "none", "layout.tensor": 2, "layout.zero": 1,
}  # fmt: skip


def ask(name: str, **changes: Any) -> Any:
    values = {**BASE, **{key.replace("__", "."): value for key, value in changes.items()}}
    return Asker(scenario_of(values, Path("question"))).at({}).value(name).value


def test_parameters_of_fused_projections() -> None:
    """Megatron-Bridge's LoRA of linear_qkv, linear_proj, linear_fc1, linear_fc2, by hand for Llama 3 8B."""
    each = (4096 + 6144) + (4096 + 4096) + (4096 + 2 * 14336) + (14336 + 4096)
    assert adapter_parameters(read_architecture("llama-3.1-8b"), 16) == 32 * 16 * each == 35_651_584


def test_frozen_matrices_have_no_weight_gradient_and_adapters_have() -> None:
    model, one = read_architecture("llama-3.1-8b"), np.ones(1)
    whole = block_operations(
        model, model.blocks[0], microbatch=one, tensor=one, context=one, expert=one,
        sequence_parallel=np.zeros(1), sequence=4096.0, number_format="bf16",
    )  # fmt: skip
    found = adapted(whole, 16)
    gradients = {op.name for op in found if op.name.endswith(".weight_gradient")}
    assert gradients
    assert all(".adapter_" in name for name in gradients)
    frozen = sum(float(np.max(op.flops)) for op in whole if op.name.endswith(".weight_gradient"))
    more = sum(float(np.max(op.flops)) for op in found if ".adapter_" in op.name)
    total, before = (sum(float(np.max(op.flops)) for op in ops) for ops in (found, whole))
    assert total == pytest.approx(before - frozen + more)
    assert more == pytest.approx(6.0 * 4096.0 * adapter_parameters(model, 16) / 32.0)


def test_model_flops_are_four_per_frozen_weight() -> None:
    model = read_architecture("llama-3.1-8b")
    whole = model_flops_per_token(model, 4096)
    assert adapted_flops_per_token(model, 4096, 0) == whole
    matrices = model.parameters.total - model.vocabulary * model.hidden - 65 * model.hidden
    less = whole - adapted_flops_per_token(model, 4096, 16)
    assert less == pytest.approx(2.0 * matrices - 6.0 * adapter_parameters(model, 16), rel=1e-6)


def test_a_step_of_adapters_is_shorter_and_needs_less_memory() -> None:
    whole, part = (ask("layouts.search", **one).best for one in ({}, {"training__adapters": 16}))
    assert 2.0 / 3.0 < float(part.step_time[0] / whole.step_time[0]) < 0.9
    share = adapter_parameters(read_architecture("llama-3.1-8b"), 16) / 8_030_261_248
    pairs = {name: (float(part.memory[name][0]), float(whole.memory[name][0])) for name in whole.memory}
    assert pairs["gradients"][0] == pytest.approx(share * pairs["gradients"][1], rel=1e-9)
    assert pairs["optimizer"][0] == pytest.approx(share * pairs["optimizer"][1], rel=1e-9)
    assert pairs["weights"][0] == pytest.approx((1.0 + share) * pairs["weights"][1], rel=1e-9)
    assert float(part.energy["scale_up"][0]) < float(whole.energy["scale_up"][0])


def test_seventy_billion_on_a_node_with_adapters_alone() -> None:
    free = {name: value for name, value in BASE.items() if not name.startswith("layout.")}
    values = {**free, "model": "llama-3.1-70b", "training.adapters": 16}
    assert Asker(scenario_of(values, Path("question"))).at({}).value("layouts.fit").value > 0


def test_a_rank_of_none_is_the_run_as_it_was() -> None:
    run = ask("training.run")
    assert run.adapters == 0
    assert replace(run, adapters=16) != run


def test_reinforcement_learning_sends_adapters_alone() -> None:
    step = {
        "rl__steps": 10, "rl__prompts": 32, "rl__samples": 8, "rl__prompt": "200", "rl__response": "500",
    }  # fmt: skip
    values = {key: value for key, value in BASE.items() if not key.startswith(("training.", "layout."))}

    def sync(**more: Any) -> float:
        given = {key.replace("__", "."): value for key, value in {**step, **more}.items()}
        point = Asker(scenario_of({**values, **given}, Path("question"))).at({})
        return float(point.value("rl.sync_time").value)

    apart = {"rl__mode": "asynchronous", "rl__rollout_share": "50 %"}
    assert sync(training__adapters=16, **apart) < 0.2 * sync(**apart)
