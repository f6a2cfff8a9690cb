"""Texts for people: in English where they are raised, in other languages by catalogues."""
