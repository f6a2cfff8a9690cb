"""Room for what one request needs for a while: in memory while it is small, then on the disk."""

import tempfile
from typing import IO

from homeroom.config import current_config

# As Werkzeug has it for the files of forms.
_IN_MEMORY_BYTES = 500 * 1024


def open_spool(in_memory_bytes: int = _IN_MEMORY_BYTES) -> IO[bytes]:
    """A file without a name that is gone once it is closed; small ones are kept in memory.

    What is large lies beside the data: the folder of the system may be memory, as it is in the container, and
    on a smaller disk. Where there is no data on this machine (PostgreSQL and S3), it is that folder.

    Raises:
        OSError: on writing, the disk is full (503).
    """
    instance = current_config().instance_path
    folder = str(instance) if instance.is_dir() else None
    if not in_memory_bytes:
        return tempfile.TemporaryFile(dir=folder)
    return tempfile.SpooledTemporaryFile(max_size=in_memory_bytes, dir=folder)
