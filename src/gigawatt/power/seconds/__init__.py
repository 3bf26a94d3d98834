"""The seconds between the hours of a plan: loads that swing, stores, frequency, voltage, limits."""
