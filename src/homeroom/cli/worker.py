"""What a worker of `homeroom serve` loads: the app behind its gate, and what ends it with its server."""

import gc

from homeroom.cli.gate import Gate
from homeroom.cli.supervision import end_with_parent
from homeroom.cli.threads import PLACES
from homeroom.config import load_config
from homeroom.wsgi import app

__all__ = ["app"]

app.wsgi_app = Gate(  # type: ignore[method-assign]  # Flask's documented way to wrap an app
    app.wsgi_app, places=PLACES, behind_proxy=load_config().trusted_proxies > 0
)
end_with_parent()
# What was loaded by now stays. A collection that looked through it all would take 30 ms now and then.
gc.collect()
gc.freeze()
