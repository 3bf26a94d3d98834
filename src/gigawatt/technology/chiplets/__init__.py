"""What chips are built from: dies and their yields, links, packages, nodes. No technology by itself."""
