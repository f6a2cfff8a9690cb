"""Identity: who someone is, how they prove it, and from which pages they may."""
