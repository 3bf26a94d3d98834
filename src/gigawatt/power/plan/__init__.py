"""The capacity plan of a year: what is asked, its linear programme, the search for the optimum, its books."""
