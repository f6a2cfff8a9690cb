"""Pictures: what may come in, where it is kept, and how it is served."""
