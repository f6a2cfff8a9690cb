"""The database and the disk."""
