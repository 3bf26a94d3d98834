"""The outlook to 2050: forecasts with their hindcasts, and the Monte Carlo that they are drawn into.

``frame`` composes blocks by the names of their inputs, ``priors`` reads what is not known as distributions,
``randomness`` gives every quantity numbers of its own, ``sketch`` keeps quantiles in constant memory;
``growth`` draws how series go on, as their hindcasts justify.
"""
