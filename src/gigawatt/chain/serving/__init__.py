"""Replicas, loads and days of a service."""
