"""The form: fields, what stands in them, and the state of a page as its address."""
