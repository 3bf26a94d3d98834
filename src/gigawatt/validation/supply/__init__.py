"""Plants, weather, building and plan beside published numbers: what rows of ``published_supply.csv`` call."""
