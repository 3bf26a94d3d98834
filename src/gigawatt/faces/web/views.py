"""The views and jobs of the web app, as studies register them.

A view is a function of :class:`gigawatt.faces.web.answers.Asked` that returns a
:class:`gigawatt.faces.web.answers.Fragment`. It runs in a worker and formats what the rooms give.
"""

from __future__ import annotations

from gigawatt.core import registry
from gigawatt.core.errors import nearest
from gigawatt.core.study import Job, View
from gigawatt.faces.web.names import Unknown
from gigawatt.schema.fields import allows

__all__ = ["all_views", "job_of", "view_of", "views_of"]


def all_views() -> tuple[View, ...]:
    """Every view in the order of the navigation."""
    return registry.views()


def views_of(branch: str, now: str = "") -> list[View]:
    """Those that the navigation has for a scenario of a branch, the one that is shown ``now`` among them."""
    return [one for one in all_views() if one.listed and (allows(one.branch, branch) or one.name == now)]


def view_of(name: str, item: str = "") -> View:
    """A view by name, of which something by ``item`` is asked.

    Raises
    ------
    Unknown
        No such view, with the nearest name.
    """
    known = {view.name: view for view in registry.views()}
    found = known.get(name)
    if found is None:
        raise Unknown("no such view", key="view", given=name[:60], nearest=nearest(name[:60], known))
    if item and not found.items:
        raise Unknown("nothing of this name is in the view", key=name, given=item[:60])
    return found


def job_of(name: str) -> Job:
    """Long work by name; raises :class:`Unknown`."""
    known = {job.name: job for job in registry.jobs()}
    found = known.get(name)
    if found is None:
        raise Unknown("no such view", key="jobs", given=name[:60], nearest=nearest(name[:60], known))
    return found
