"""Failures, checkpoints and goodput of a training run."""
