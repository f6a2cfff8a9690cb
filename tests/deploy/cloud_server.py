"""moto, the lifecycle manager that it lacks, Ubuntu's images: `python -m tests.deploy.cloud_server PORT`.

Apart from what talks to it, so that nobody who only collects tests loads moto.
"""

import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from moto.ssm.models import Parameter, ssm_backends
from werkzeug.serving import run_simple
from werkzeug.wrappers import Request, Response

from tests.deploy.cloud import REGION, UBUNTU
from tests.deploy.lifecycle_manager import ACCOUNT, LifecycleManager

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def _publish(architecture: str, image: str) -> Response:
    """What only Canonical can do on AWS, whose names of parameters nobody else may write."""
    name = UBUNTU.format(architecture)
    ssm_backends[ACCOUNT][REGION]._parameters[name].append(
        Parameter(
            account_id=ACCOUNT, name=name, value=image, parameter_type="String", description=None,
            allowed_pattern=None, keyid=None, last_modified_date=datetime.now(UTC), version=1,
            data_type="aws:ec2:image",
        )
    )  # fmt: skip
    return Response(status=204)


def make_app(moto: Wsgi) -> Wsgi:
    """One address for all services, told apart by whom a request was signed for."""
    manager = LifecycleManager()

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        request = Request(environ)
        if "/dlm/aws4_request" in request.headers.get("Authorization", ""):
            return manager.answer(request)(environ, start_response)
        if request.path.startswith("/canonical/"):
            image = request.get_data(as_text=True)
            return _publish(request.path.rpartition("/")[2], image)(environ, start_response)
        return moto(environ, start_response)

    return app


if __name__ == "__main__":
    moto = DomainDispatcherApplication(create_backend_app)
    run_simple(
        "127.0.0.1", int(sys.argv[1]), make_app(moto), threaded=True, request_handler=MotoRequestHandler
    )
