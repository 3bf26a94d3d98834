"""Units, errors, evidence, the quantity graph, answers, documents and the store."""
