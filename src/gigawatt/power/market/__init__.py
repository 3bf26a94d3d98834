"""Hours of electricity markets: prices that happened, shapes fitted on them, own files, later years."""
