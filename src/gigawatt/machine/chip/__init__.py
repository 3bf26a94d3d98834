"""A chip from its parts."""
