"""The largest run and the machines of the world: what is wanted, what there is, which limit binds."""
