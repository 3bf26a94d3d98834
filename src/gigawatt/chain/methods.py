"""Methods of the searches and programmes of training and supply, for ``explain``.

Each text says what is searched over what, the objective, the constraints, the solver or the order of the
search, its tolerance and where it stops. Numbers in the texts are those of the code.
"""

from __future__ import annotations

from gigawatt.chain.training.reliability import DRAWS
from gigawatt.performance.search import CHUNK
from gigawatt.power.solve import ACCEPTED_GAP

__all__ = ["ADEQUACY", "CLOCK", "FIT", "LAYOUTS", "PURCHASE", "RELIEF", "RUN_BAND", "SUPPLY"]

LAYOUTS = f"""
Exhaustive search over tensor, pipeline, interleave, data, context and expert degree, microbatch, sequence
parallelism, recomputation and ZeRO stage as the software offers them (schedule, sharding and offload where
widened), columns of the scenario's layout held. Objective: least time of an optimizer step. Constraints:
degrees divide accelerators, heads, sequence, experts and batch; interleaved chunks are equal; the memory of
the worst device suffices. Order: memory and a floor under the step time for all layouts, {CHUNK} at a
time, then full evaluation from the lowest floor upwards, under the power cap. Stops when the next floor
exceeds the slowest of the ten layouts retained, the quickest of ten kinds (degrees, schedule,
recomputation): no tolerance, the result is that of evaluating all, and no fixed column makes it quicker.
"""

FIT = """
The search of layouts for all accelerators, and for the largest parts of whole nodes of them: of every product
of tensor, pipeline and context degree the most replicas that there is room for, and the fewest that work
through as few microbatches; the batch need not divide. Objective: least time of the run, goodput and tokens
counted. Where no batch is given, it grows in steps of √2 while that is quicker. A power of two that is
worked well is one layout. Where arithmetic takes less than half of the accelerators' time, or half the
machine has a clearly higher goodput, smaller machines are looked at too: powers of two as long as one could
be quicker if it did nothing but arithmetic, then eight sizes in an octave around the best.
"""

PURCHASE = """
No optimisation: all electricity is bought hour by hour at the given price.
"""

ROLLOUTS = """
Of the replicas that fit (degrees that divide), those that are likely to end first by a first look are looked
at closely: outputs as equal shares of their distribution, well mixed, and the longest of the step; each runs
from when a place is free to its last token. The replica with the shortest rollout is taken.
"""

ROLLOUTS_APART = """
A given share in whole nodes; else up to 11 divisions of the accelerators in whole nodes: rollouts of each by
the steady serving of their replicas, training by one layout search on half of the accelerators, its time
taken in inverse proportion to its accelerators. The division with the shortest step is taken.
"""

RELIEF = """
For each resource the step of the best layout is evaluated again on a machine with twice of it (half of a
latency or launch overhead); failures are halved in the goodput. The layout is not searched again.
"""

CLOCK = """
Bisection of the clock between the least clock and the reference clock for the highest at which the power
of the working chip is within the cap; below the least clock the chip pauses. Without a cap below its
demand: 100 %.
"""

RUN_BAND = f"""
Monte Carlo: {DRAWS} runs with failure rate and recovery times drawn from the ranges of their rows and
failures drawn at that rate; 5, 50 and 95 % of the durations are retained. The seed is fixed.
"""

SUPPLY = f"""
Linear programme. Variables: capacity of every plant and store, output, charge and level in every hour,
load cut, deferred and not served. Objective: least annuities, fixed and variable cost, fuel, carbon price
and prices of load cut and not served, in a year. Constraints: balance of every hour, capacity times
availability, ramps, levels of stores (cyclic in each weather year), connection and capacity limits, and
where given carbon limit, reliability and hourly matching. Solver: an interior point that eliminates hour
by hour, else Clarabel, else HiGHS, on the plants that a sample of days builds; the others are priced out
and taken back where they would pay. Accepted at a relative gap and infeasibility below {ACCEPTED_GAP:g},
measured on the whole programme. Then in whole units that fail: further ones of the plant whose firm power is
cheapest, as many as reliability or the price of energy not served asks for; the programme again with them.
"""

ADEQUACY = """
Capacity outage probability table by recursion over units, one for each set of units that are not in
maintenance and each share of their size that the weather leaves; units fail independently. Each plant is
rounded up to whole units, each of which is maintained once a year where load and maintenance leave most.
Sun and wind give their mean availability. Exact for the hours given, where no store is; where there are some,
years of units that fail and are repaired are simulated hour by hour, and stores answer.
"""
