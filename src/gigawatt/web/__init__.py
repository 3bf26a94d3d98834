"""The web page: forms, answers and figures, served by this machine alone."""
