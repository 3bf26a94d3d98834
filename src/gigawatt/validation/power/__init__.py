"""Power: caps, training steps and serving, measured beside predicted."""
