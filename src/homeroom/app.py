"""The application: the only module that knows every part."""

from apiflask import APIFlask
from flask import Response, request
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import IntegerConverter

from homeroom import __version__
from homeroom.auth import routes as auth_routes
from homeroom.auth.guard import audience_of, authenticate_or_guest
from homeroom.auth.hashing import init_hashing
from homeroom.auth.keys import init_keys
from homeroom.auth.last_use import init_last_use
from homeroom.auth.origins import init_origins
from homeroom.config import Config, init_config, load_config
from homeroom.data.database import init_database
from homeroom.operations import health
from homeroom.operations.disk_reserve import init_disk_reserve
from homeroom.portfolio import own
from homeroom.portfolio import routes as portfolio_routes
from homeroom.portfolio.reading_time import init_reading_times
from homeroom.resources import RESOURCES
from homeroom.roster import routes as roster_routes
from homeroom.staff import activity, overview
from homeroom.uploads import routes as uploads_routes
from homeroom.uploads.storage import init_storage
from homeroom.users import avatars
from homeroom.users import routes as users_routes
from homeroom.web.ignored_fields import init_ignored_fields
from homeroom.web.incoming import IncomingRequest, init_incoming
from homeroom.web.languages import init_languages
from homeroom.web.logs import init_logs
from homeroom.web.openapi import SPEC_PATH, init_openapi
from homeroom.web.pages import site_blueprint
from homeroom.web.preconditions import init_preconditions
from homeroom.web.problems import init_problems
from homeroom.web.read_path import ReadPath
from homeroom.web.schema import StrictJSON
from homeroom.web.site_memory import SiteMemory

BLUEPRINTS = (
    auth_routes.bp,
    users_routes.bp,
    uploads_routes.bp,
    avatars.bp,
    roster_routes.bp,
    portfolio_routes.bp,
    own.bp,
    overview.bp,
    activity.bp,
    *RESOURCES,
    health.bp,
)
KEPT_ROUTES = (
    *users_routes.KEPT_ROUTES,
    *portfolio_routes.KEPT_ROUTES,
    *activity.KEPT_ROUTES,
    *overview.KEPT_ROUTES,
    *auth_routes.KEPT_ROUTES,
)


class RowId(IntegerConverter):
    """An id in a path. What no database can hold is no id, so such an address is simply not there."""

    regex = r"[1-9][0-9]{0,17}"


def create_app(config: Config | None = None) -> APIFlask:
    """A new application from its settings; nothing of it is shared with another one.

    Raises:
        ConfigError: a setting is wrong; the text names it and the remedy.
    """
    config = config or load_config()
    app = APIFlask(
        "homeroom",
        title="Homeroom",
        version=__version__,
        spec_path=SPEC_PATH,
        docs_path=None,
        json_errors=False,
        static_folder=None,  # type: ignore[arg-type]  # Flask takes None: no static route
    )
    app.request_class = IncomingRequest
    app.json_provider_class = StrictJSON
    app.json = StrictJSON(app)
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    app.url_map.converters["int"] = RowId
    app.config["MAX_CONTENT_LENGTH"] = config.max_body_bytes
    init_config(app, config)
    init_keys(app, config)
    init_hashing(app, config)
    init_last_use(app)
    init_reading_times(app)
    init_logs(app, config)
    init_incoming(app)
    init_problems(app)
    init_languages(app)
    init_ignored_fields(app)
    init_origins(app, config)
    init_preconditions(app)
    init_disk_reserve(app, config)
    init_database(app, config)
    init_storage(app, config)
    health.init_health(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    app.register_blueprint(site_blueprint())
    app.after_request(_harden)
    init_openapi(app, config, audience_of)
    if config.trusted_proxies:
        _trust_proxies(app, config.trusted_proxies)
    if config.read_path:
        app.wsgi_app = ReadPath(  # type: ignore[method-assign]  # Flask's way to wrap an app
            app, config, routes=KEPT_ROUTES, authenticate=authenticate_or_guest
        )
        app.wsgi_app = SiteMemory(app.wsgi_app, config)  # type: ignore[method-assign]
    return app


def _harden(response: Response) -> Response:
    """What every answer of the API says to browsers; pages say more, see `web/pages.py`."""
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    if request.path.startswith("/api/"):
        response.headers.setdefault("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
        response.headers.setdefault("Referrer-Policy", "no-referrer")
        response.headers.setdefault("Cache-Control", "no-store")
    return response


def _trust_proxies(app: APIFlask, count: int) -> None:
    app.wsgi_app = ProxyFix(  # type: ignore[method-assign]  # Flask's documented way to wrap an app
        app.wsgi_app, x_for=count, x_proto=count, x_host=count, x_port=count
    )
