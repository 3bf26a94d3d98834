"""The fields of a question, the reader of scenarios and what editors complete from."""
