"""Pipeline schedules: stages and their cuts, orders of passes, the makespan exactly and in closed form."""
