"""A certificate from a real authority's program: issued before there is one, and renewed under load."""

from pathlib import Path

import pytest

from tests.deploy.authority import Authority, Certbot, issuing, serial
from tests.deploy.load import under_load
from tests.deploy.proxy import DOMAIN, Nginx, proxying, wait_for
from tests.servers import Server

pytestmark = pytest.mark.deploy


def test_a_certificate_is_issued_and_renewed_while_no_request_fails(server: Server, tmp_path: Path) -> None:
    settings = tmp_path / "letsencrypt"
    nginx = Nginx(
        tmp_path,
        upstream=server.address.removeprefix("http://"),
        certificate_dir=settings / "live" / DOMAIN,
        http_only=True,
        requests_per_second=100_000,
        burst=100_000,
    )
    nginx.render()
    authority = Authority(tmp_path / "authority", nginx.http_port)
    certbot = Certbot(nginx, authority, settings)
    with proxying(nginx), issuing(authority):
        certbot.issue()
        nginx.render(http_only=False)
        nginx.reload()
        root = authority.root()
        wait_for(lambda: serial(nginx.https_port, root) is not None, "no certificate", nginx.error_log)
        first = serial(nginx.https_port, root)
        with under_load(nginx.https_port, root, at_least=1000, seconds=120) as load:
            certbot.renew()
            wait_for(
                lambda: serial(nginx.https_port, root) not in (first, None),
                "the old certificate is still served",
                nginx.error_log,
            )
    assert load.done >= 1000
    assert load.failures == {}
