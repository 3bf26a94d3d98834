"""Dates of projects, each predicted from what was known before it."""
