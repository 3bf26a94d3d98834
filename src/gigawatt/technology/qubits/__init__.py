"""Quantum computing by simulation: molecules, variational algorithms, noise, fault-tolerant resources."""
