"""The command line: it reads words, calls the rooms, prints. It computes nothing."""

from gigawatt.faces.terminal.app import main

__all__ = ["main"]
