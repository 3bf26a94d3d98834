"""The pathway over years: steps and vintages, the weeks that stand for a year, one linear programme."""
