"""Who pays for a frontier model, who owns compute, what hosts and households get and pay."""
