"""What the staff sees of all features."""
