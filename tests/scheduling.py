"""Which tests run in the same worker of pytest-xdist; without it, nothing needs this module."""

from xdist.scheduler import LoadScopeScheduling


class Together(LoadScopeScheduling):
    """Spreads tests over workers, but keeps together what shares something that is costly.

    A file of the browser's tests shares a browser and a page's state, one of the deployment's servers, images
    and machines, that of the clients a server and Node's packages. (xdist itself: `--dist loadgroup` has no
    effect since pytest 9.2, its issue 1386.)
    """

    def _split_scope(self, nodeid: str) -> str:
        together = nodeid.startswith(("tests/browser/", "tests/clients/", "tests/deploy/", "tests/docs/"))
        return nodeid.partition("::")[0] if together else nodeid
