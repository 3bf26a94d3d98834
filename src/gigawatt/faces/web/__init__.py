"""The web app: `gigawatt web`.

It shows what the rooms compute and computes nothing itself. A question is a scenario to start from and what
is changed in it; all of it stands in the address (:mod:`gigawatt.faces.web.form.state`). Views
(:mod:`gigawatt.faces.web.views`) turn the answer into HTML and figures in processes of their own
(:mod:`gigawatt.faces.web.processes.pool`), so that the server stays free; long work goes on in the background
(:mod:`gigawatt.faces.web.processes.jobs`).
"""
