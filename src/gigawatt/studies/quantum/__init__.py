"""Quantum computing beside the classical way."""

from __future__ import annotations

from gigawatt.core.study import Command, Group, Study

__all__ = ["STUDY"]

STUDY = Study(
    name="quantum",
    title="Quantum computing",
    words="What quantum computing answers, what it takes, beside the classical way.",
    commands=(
        Command(
            name="quantum vqe",
            target="gigawatt.studies.quantum.command:vqe_command",
            words=("Ground-state energy of a molecule by the variational eigensolver, beside the exact one."),
            example="gigawatt quantum vqe lih --bond 1.6 --ansatz uccsd",
            python="gigawatt.studies.quantum.door:quantum_vqe",
        ),
        Command(
            name="quantum optimise",
            target="gigawatt.studies.quantum.command:optimise_command",
            words="A piece of model development on up to 16 qubits, beside the best classical solver.",
            example="gigawatt quantum optimise pipeline --model deepseek-v3",
            python="gigawatt.studies.quantum.door:quantum_optimise",
        ),
        Command(
            name="quantum resources",
            target="gigawatt.studies.quantum.command:resources_command",
            words=(
                "Physical qubits and time of a fault-tolerant computation, with the power that they "
                "would draw."
            ),
            example="gigawatt quantum resources p450 --error 5e-4",
            python="gigawatt.studies.quantum.door:quantum_resources",
        ),
        Command(
            name="quantum break-even",
            target="gigawatt.studies.quantum.command:break_even_command",
            words=(
                "Joules and dollars of a quantum run beside those of the classical way to the same answer."
            ),
            example="gigawatt quantum break-even chemistry --algorithm p450",
            python="gigawatt.studies.quantum.door:quantum_break_even",
        ),
    ),
    groups=(
        Group(
            "quantum",
            "Quantum computing, honestly: what it answers, what it takes, beside the classical way.",
        ),
    ),
    place=240,
    answer_file="quantum.json",
    report_stem="quantum",
    document="gigawatt.studies.quantum.document:document",
    more="gigawatt.studies.quantum.document:more",
    docs="quantum.md",
)
