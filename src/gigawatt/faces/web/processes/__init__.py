"""Processes that answer questions and do long work, and the lines to them."""
