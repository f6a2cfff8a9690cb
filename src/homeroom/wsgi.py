"""`app`, for any WSGI server: `granian --interface wsgi homeroom.wsgi:app`, `gunicorn homeroom.wsgi:app`."""

from homeroom.app import create_app

app = create_app()
