"""Training steps: measured runs beside predictions, and the band that a step time deserves."""
