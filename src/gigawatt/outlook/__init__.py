"""The outlook to 2050: a Monte Carlo of demand, limits and electricity, block by block.

``frame`` composes blocks by the names of their inputs, ``priors`` reads what is not known as distributions,
``randomness`` gives every quantity numbers of its own, ``sketch`` keeps quantiles in constant memory.
"""
