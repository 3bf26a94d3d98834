"""Forecasts of series and their hindcasts: costs by experience, growth with regimes, scores, intervals."""
