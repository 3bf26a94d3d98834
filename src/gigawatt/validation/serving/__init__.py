"""Serving: measured TTFT, TPOT and throughput beside predictions."""
