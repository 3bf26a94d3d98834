"""Quantum computing by simulation: states, molecules, variational algorithms, noise, fault-tolerant resources."""
