"""Opening a bucket of any S3, for pictures and for archives alike."""

import os
from datetime import timedelta

from obstore.store import S3Store

CONNECT_TIMEOUT = timedelta(seconds=3)


def open_bucket(url: str, *, timeout: timedelta, retry_timeout: timedelta) -> S3Store:
    """A bucket whose calls end: at most `timeout` for one, tries included where the first fails at once.

    The key, the region and the endpoint are in the environment (`AWS_…`). obstore takes AWS_ALLOW_HTTP (an S3
    without TLS, in tests or on the same machine) from there only as long as nobody passes options; so it is
    passed on.

    Raises:
        obstore.exceptions.BaseError: the address or a setting is wrong.
    """
    return S3Store.from_url(
        url,
        client_options={
            "timeout": timeout,
            "connect_timeout": min(CONNECT_TIMEOUT, timeout),
            "allow_http": os.environ.get("AWS_ALLOW_HTTP", "").lower() in ("1", "true"),
        },
        retry_config={"max_retries": 3, "retry_timeout": retry_timeout},
    )
