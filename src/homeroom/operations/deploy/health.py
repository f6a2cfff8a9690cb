"""Asking a running server whether it can serve."""

import json
import urllib.error
import urllib.request

TIMEOUT_S = 5


def unreadiness(address: str) -> str | None:
    """Why the server at an address cannot serve, or None if it can."""
    # A proxy of the environment has no part in what a machine asks itself.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        opener.open(f"{address}/api/health/ready", timeout=TIMEOUT_S).close()
    except urllib.error.HTTPError as error:
        with error:
            return f"{error.code}: {_detail(error.read())}"
    except OSError as error:
        return f"{address} doesn't answer: {getattr(error, 'reason', error)}"
    return None


def _detail(body: bytes) -> str:
    try:
        return str(json.loads(body)["detail"])
    except (ValueError, KeyError, TypeError):
        return "the answer isn't from Homeroom"
