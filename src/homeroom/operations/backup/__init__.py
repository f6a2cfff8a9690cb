"""Backups that are known to restore: archives of the database with its pictures, and their rehearsal."""
