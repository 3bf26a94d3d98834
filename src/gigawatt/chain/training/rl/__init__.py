"""Reinforcement learning: rollouts, scoring, log-probabilities and updates of a step."""
