"""Logs and timings: one line a request, with the id that the answer carries too."""

import logging
import logging.config
import re
import sys
import time
from collections.abc import Mapping, MutableMapping
from typing import Any
from uuid import uuid4

import structlog
from flask import Flask, Response, g, request

from homeroom.config import Config

log = structlog.get_logger(__name__)

_FOREIGN_ID = re.compile(r"[0-9A-Za-z._-]{8,64}")


# With the variables of each frame, as is the library's default, passwords and join codes would be in the log.
_tracebacks = structlog.processors.ExceptionRenderer(
    structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
)


def _keep_first_lines(_logger: object, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Keep the first line of what exceptions say: below it PostgreSQL quotes rows, and pydantic the body."""
    for exception in event.get("exception", ()):
        exception["exc_value"] = exception["exc_value"].partition("\n")[0]
    return event


def _processors(production: bool) -> tuple[list[Any], list[Any]]:
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso" if production else "%H:%M:%S", utc=production),
    ]
    if production:
        return shared, [_tracebacks, _keep_first_lines, structlog.processors.JSONRenderer()]
    console = structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
    )
    return shared, [console]


class KnownWarnings(logging.Filter):
    """Keeps back Granian's warning of many threads: most of ours wait for a hash (`cli/serve.py`)."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "spawning up to" not in record.getMessage()


def logging_config(config: Config) -> dict[str, Any]:
    """The standard library's logging, so that libraries and the server write lines like ours."""
    shared, render = _processors(config.production)
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "homeroom": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": shared,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
            }
        },
        "filters": {"known_warnings": {"()": KnownWarnings}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "homeroom",
                "stream": "ext://sys.stderr",
            }
        },
        "root": {"handlers": ["stderr"], "level": config.log_level},
        "loggers": {
            "_granian": {
                "handlers": ["stderr"],
                "filters": ["known_warnings"],
                "level": "WARNING",
                "propagate": False,
            },
            "alembic": {"level": "WARNING"},
        },
    }


def configure_logging(config: Config) -> None:
    """Set up the process's logs: JSON in production, readable in a terminal otherwise."""
    shared, _ = _processors(config.production)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(config.log_level)),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    logging.config.dictConfig(logging_config(config))


def init_logs(app: Flask, config: Config) -> None:
    """Give each request an id and each answer its timings."""
    configure_logging(config)

    @app.before_request
    def begin() -> None:
        g.started_at = time.perf_counter()
        g.request_id = choose_request_id(request.headers.get("X-Request-ID", ""), config)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=g.request_id)

    @app.after_request
    def end(response: Response) -> Response:
        # A request that is refused before routing has no start.
        elapsed_s = time.perf_counter() - g.get("started_at", time.perf_counter())
        request_id = g.get("request_id") or uuid4().hex
        response.headers.update(
            per_request_headers(request_id, elapsed_s=elapsed_s, database_s=g.get("database_seconds", 0.0))
        )
        log.info(
            "request",
            method=request.method,
            path=request.path,
            status=response.status_code,
            ms=round(elapsed_s * 1000, 1),
            user=g.get("user_id"),
        )
        return response


def per_request_headers(request_id: str, *, elapsed_s: float, database_s: float) -> dict[str, str]:
    """The id of a request, and how long it took (W3C Server Timing: milliseconds)."""
    return {
        "X-Request-ID": request_id,
        "Server-Timing": f"app;dur={elapsed_s * 1000:.1f}, db;dur={database_s * 1000:.1f}",
    }


def choose_request_id(given: str, config: Config) -> str:
    """The proxy's id for a request where one proxy is trusted, else a new one."""
    if config.trusted_proxies and _FOREIGN_ID.fullmatch(given):
        return given
    return uuid4().hex
