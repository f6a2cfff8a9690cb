"""A private Nginx in front of a service, with no part of the system's own configuration."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from harness.processes import Service, ServiceFailedError, free_port, running

# Braces of Nginx are doubled for `format`.
_CONFIGURATION = """
daemon off;
pid nginx.pid;
worker_processes auto;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path body_temp;
  proxy_temp_path proxy_temp;
  fastcgi_temp_path fastcgi_temp;
  uwsgi_temp_path uwsgi_temp;
  scgi_temp_path scgi_temp;
  upstream homeroom {{ server {upstream}; keepalive 32; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://homeroom;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
    }}
  }}
}}
"""


@contextmanager
def behind_nginx(service: Service, folder: Path) -> Iterator[Service]:
    """The same service, asked through Nginx.

    Raises:
        ServiceFailedError: there is no Nginx, or it did not start.
    """
    if shutil.which("nginx") is None:
        raise ServiceFailedError("Nginx is missing. Install it: sudo apt-get install nginx")
    port = free_port()
    # Its workers run as another user, who must get in.
    folder.chmod(0o755)
    upstream = service.address.removeprefix("http://")
    (folder / "nginx.conf").write_text(_CONFIGURATION.format(upstream=upstream, port=port), encoding="utf-8")
    command = ["nginx", "-p", str(folder), "-c", "nginx.conf", "-e", "error.log"]
    with running("Nginx", command, port=port) as (address, process):
        yield replace(service, name=f"{service.name} behind Nginx", address=address, process=process)
