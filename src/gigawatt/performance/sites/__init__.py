"""Training across data centres: long links, and what low communication costs in loss."""
