"""Layouts, steps, failures and plans of a training run."""
