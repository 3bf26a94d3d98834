"""The command line: it reads words, calls the rooms, prints. It computes nothing."""

from gigawatt.cli.app import main

__all__ = ["main"]
