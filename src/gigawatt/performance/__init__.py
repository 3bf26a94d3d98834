"""How long, how much memory and energy a training step takes, and which layout is the quickest."""

from gigawatt.performance.layouts import Layouts, TrainingRun, enumerate_layouts
from gigawatt.performance.power import capped, capped_search
from gigawatt.performance.reliability.goodput import checkpoint_interval, goodput
from gigawatt.performance.search import Search, search
from gigawatt.performance.software import Software, default_stack, load_software, load_stack
from gigawatt.performance.software_choice import usual_software
from gigawatt.performance.stacks import Optimizer, Stack, load_optimizer
from gigawatt.performance.step import PARTS, StepTable, evaluate

__all__ = [
    "PARTS",
    "Layouts",
    "Optimizer",
    "Search",
    "Software",
    "Stack",
    "StepTable",
    "TrainingRun",
    "capped",
    "capped_search",
    "checkpoint_interval",
    "default_stack",
    "enumerate_layouts",
    "evaluate",
    "goodput",
    "load_optimizer",
    "load_software",
    "load_stack",
    "search",
    "usual_software",
]
