"""The fields of a scenario, the reader of scenarios and the schema for editors."""
