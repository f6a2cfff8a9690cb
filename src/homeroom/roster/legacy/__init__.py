"""Taking over the database of a server of the lesson's kind: its users, their passwords and pictures.

The old database is opened read-only and stays as it is. Every table and column is reported as taken or
left.
"""
