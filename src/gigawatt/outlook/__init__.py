"""The outlook to 2050: forecasts with their hindcasts, and what they are drawn into."""
