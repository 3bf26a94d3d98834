"""A training run, planned."""

from __future__ import annotations

from gigawatt.core.study import Command, Study, View

__all__ = ["STUDY"]

STUDY = Study(
    name="plan-training",
    title="Plan a training run",
    words=("The best layout of a training run on a machine: time, cost and bottleneck."),
    commands=(
        Command(
            name="plan-training",
            target="gigawatt.studies.training.command:plan_training_command",
            words=("Plan a training run: search all layouts on a machine for time, cost and bottleneck."),
            example=(
                "gigawatt plan-training --model llama-3.1-405b --chip nvidia-h100-sxm --count 16384 "
                "--power 300MW --relief"
            ),
            python="gigawatt.studies.training.door:plan_training",
            grouped=True,
        ),
    ),
    place=70,
    answer_file="plan.json",
    report_stem="plan",
    document="gigawatt.studies.training.document:document",
    views=(
        View(
            name="layouts",
            title="Layouts",
            words=("Parallel layouts of the model over the accelerators: speed, memory, bottleneck."),
            target="gigawatt.studies.training.view:show",
            place=20,
            branch="running",
        ),
    ),
    docs="plan-training.md",
)
