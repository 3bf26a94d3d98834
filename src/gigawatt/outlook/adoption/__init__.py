"""Technologies taken up or not: readiness, cost with learning, shares by year, expectations of a decade."""
