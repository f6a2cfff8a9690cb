"""How many threads a worker has, and for whom."""

import os

from homeroom.auth.hashing import MAX_HASHES_WAITING
from homeroom.uploads.receiving import MAX_UPLOADS_WAITING, UPLOADS_AT_ONCE

# Sign-ins and uploads wait their turn on a thread; that many may wait, and pages have theirs all the same.
PAGE_THREADS = 2 * (os.cpu_count() or 1) + 1
# A class that reloads at once: most wait for the database or for Python itself. Threads start when needed.
BURST_THREADS = 64
# Requests that may be under way at once in a worker.
PLACES = MAX_HASHES_WAITING + MAX_UPLOADS_WAITING + UPLOADS_AT_ONCE + PAGE_THREADS + BURST_THREADS
# A few more: whoever asks whether the process lives, or is told that there is no place, finds one.
THREADS_PER_WORKER = PLACES + 4
