"""What the README promises, a function for each row."""
