"""Whole systems that were published, each asked as a user would: rows, scenarios, scorecard."""
