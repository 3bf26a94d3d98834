"""What is asked: one folder a study."""
