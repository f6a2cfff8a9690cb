"""`app`, for any WSGI server: `granian --interface wsgi homeroom.wsgi:app`, `gunicorn homeroom.wsgi:app`."""

from homeroom.app import create_app
from homeroom.config import load_config
from homeroom.data.database import BUSY_TIMEOUT_MS, db
from homeroom.data.time_limits import limit_waiting
from homeroom.uploads.stopping import hear_signals

hear_signals()
_config = load_config()
app = create_app(_config)
with app.app_context():
    limit_waiting(db.engine, timeout_s=_config.database_timeout_s, lock_timeout_s=BUSY_TIMEOUT_MS / 1000)
