"""A forward pass when a model is served: engines, costs, power, steady serving, tables for the events."""
