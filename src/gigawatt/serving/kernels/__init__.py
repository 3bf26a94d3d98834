"""The event engine's loops, compiled: one replica, its fleet, and the state that they share."""
