"""Sites of other people, over HTTPS, and a browser that visits them: what a page elsewhere may do here."""

import functools
import os
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from tests.browser.conftest import CHROMIUM_FLAGS

PAGE_HOST, FOREIGN_HOST = "someone.other-pages.test", "evil.elsewhere.test"
# What the lesson's page does: sign in, then ask who one is.
SIGN_IN = """async ([api, password]) => {
  const options = {mode: 'cors', credentials: 'include',
                   headers: {'Content-Type': 'application/json', 'X-Origin': 'client'}};
  const body = JSON.stringify({uid: 'admin', password});
  try {
    const answer = await fetch(`${api}/api/authenticate`, {...options, method: 'POST', body});
    const me = await fetch(`${api}/api/id`, options);
    return [answer.status, me.status, (await me.json()).uid];
  } catch (error) {
    return [error.name];
  }
}"""


class _Quiet(SimpleHTTPRequestHandler):
    """Files of a folder; what is asked is nobody's matter here."""

    def log_message(self, *_arguments: Any) -> None:
        return


class OtherSites(ThreadingHTTPServer):
    """A folder's pages, by whatever name they are asked for; and without a line for each request."""

    def __init__(self, folder: Path, port: int) -> None:
        super().__init__(("127.0.0.1", port), functools.partial(_Quiet, directory=str(folder)))


@contextmanager
def published(folder: Path, certificate: Path, port: int) -> Iterator[None]:
    """The folder's pages over HTTPS, with the certificate of another folder."""
    sites = OtherSites(folder, port)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "fullchain.pem", certificate / "privkey.pem")
    # The handshake is each connection's own: one that never ends it holds up nobody.
    sites.socket = context.wrap_socket(sites.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=sites.serve_forever)
    thread.start()
    try:
        yield
    finally:
        sites.shutdown()
        thread.join()
        sites.server_close()


@contextmanager
def chromium(home: Path, *trusted: Path) -> Iterator[Browser]:
    """Chromium for which every .test name is this machine, and that trusts these certificates, too."""
    store = home / ".pki/nssdb"
    store.mkdir(parents=True)
    certutil = ["certutil", "-d", f"sql:{store}"]
    subprocess.run([*certutil, "-N", "--empty-password"], check=True, capture_output=True)
    for certificate in trusted:
        added = ["-A", "-t", "C,,", "-n", str(certificate), "-i", str(certificate)]
        subprocess.run([*certutil, *added], check=True, capture_output=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=[*CHROMIUM_FLAGS, "--host-resolver-rules=MAP *.test 127.0.0.1"],
            env=os.environ | {"HOME": str(home)},
        )
        yield browser
        browser.close()
