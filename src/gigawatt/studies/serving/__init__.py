"""A service: planned, and simulated request by request."""

from __future__ import annotations

from gigawatt.core.study import Command, Job, Study, View

__all__ = ["SIMULATION", "STUDY"]

STUDY = Study(
    name="plan-serving",
    title="Plan a service",
    words="The replicas that serve a demand within its latency target, and their cost.",
    commands=(
        Command(
            name="plan-serving",
            target="gigawatt.studies.serving.command:plan_serving_command",
            words=(
                "Plan a service: screen all replicas and loads, simulate the best, report throughput and "
                "cost."
            ),
            example=(
                "gigawatt plan-serving --model llama-3.1-70b --chip H100 --chips 64 --prompt 1024 "
                "--output 256 --objective interactive --weights fp8"
            ),
            python="gigawatt.studies.serving.door:plan_serving",
            grouped=True,
        ),
    ),
    place=80,
    answer_file="plan.json",
    report_stem="plan",
    document="gigawatt.studies.serving.document:document",
    views=(
        View(
            name="serving",
            title="Serving",
            words="Latencies against load, and cost against speed per user.",
            target="gigawatt.studies.serving.view:show",
            place=30,
            branch="running",
        ),
        View(
            name="serving-day",
            title="The day of a service",
            words="Latencies over the hours of a day.",
            target="gigawatt.studies.serving.view:day",
            place=35,
            listed=False,
        ),
    ),
    jobs=(
        Job(
            "serving-search",
            "Replicas simulated request by request",
            "gigawatt.studies.serving.view:search",
            branch="running",
        ),
    ),
    docs="plan-serving.md",
)

SIMULATION = Study(
    name="simulate-serving",
    title="Simulate a service",
    words="Requests over time on given replicas: latencies, power, cost per token.",
    commands=(
        Command(
            name="simulate-serving",
            target="gigawatt.studies.serving.simulate_command:simulate_serving_command",
            words=(
                "Simulate a service: every request through queues and batches; latencies, power, cost per "
                "token."
            ),
            example=(
                "gigawatt simulate-serving --model llama-3.1-70b --chip H100 --tensor 8 --replicas 4 "
                "--trace azure-conversation-2023 --rate 20/s"
            ),
            python="gigawatt.studies.serving.simulate_door:simulate_serving",
            grouped=True,
        ),
    ),
    place=100,
    answer_file="run.json",
    report_stem="run",
    document="gigawatt.studies.serving.simulate_document:document",
    more="gigawatt.studies.serving.simulate_document:more",
    docs="simulate-serving.md",
)
