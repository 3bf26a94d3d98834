"""What Python calls: a function for each of the commands that plan and study, with the same words.

    import gigawatt

    plan = gigawatt.plan_training(model="llama-3.1-8b", chip="H100", count=64, relief=True)
    plan["days"], plan.table("relief"), plan.figure("relief")

Options are those of the command of the same name (``gigawatt plan-training --help``), quantities as a person
types them (``"300 MW"``). Each returns an :class:`~gigawatt.core.answer.Answer`, whose document is what the
command prints with ``--json``. Rooms are imported when a door is opened.
"""

from gigawatt.faces.python.future import compare_technologies, draw_outlook
from gigawatt.faces.python.grounds import explain, validate
from gigawatt.faces.python.many import compare, sweep
from gigawatt.faces.python.plans import plan_serving, plan_supply
from gigawatt.studies.training.door import plan_training

__all__ = [
    "compare",
    "compare_technologies",
    "draw_outlook",
    "explain",
    "plan_serving",
    "plan_supply",
    "plan_training",
    "sweep",
    "validate",
]
