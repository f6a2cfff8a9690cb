"""What can go wrong, told in words for the operator."""


class BackupError(Exception):
    """A backup, restore or drill cannot be done; the text says why and what to do."""


class ArchiveError(BackupError):
    """An archive is damaged, not Homeroom's, or of a newer version."""
