"""Real children of a real runner."""
