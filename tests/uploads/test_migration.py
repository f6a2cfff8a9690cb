"""The table of pictures comes and goes with rows in it; the users stay."""

import flask_migrate
import pytest
from apiflask import APIFlask
from sqlalchemy import inspect, select

from homeroom.auth.models import User
from homeroom.data.database import db
from homeroom.uploads.models import Picture
from tests.conftest import Person
from tests.uploads.conftest import send
from tests.uploads.files import encoded


@pytest.mark.migrates
@pytest.mark.parametrize("storage_kind", ["folder"], indirect=True)
def test_the_migration_goes_down_and_up_with_rows_in_the_tables(app: APIFlask, ada: Person) -> None:
    send(ada, encoded("PNG"))
    ada.client.put("/api/id/picture", json={"picture_id": send(ada, encoded("PNG")).json["id"]})
    with app.app_context():
        db.session.remove()
        flask_migrate.downgrade(revision="0001")
        assert not inspect(db.engine).has_table("pictures")
        flask_migrate.upgrade()
        flask_migrate.check()
        assert [user.uid for user in db.session.scalars(select(User))] == ["ada"]
        assert db.session.scalars(select(Picture)).all() == []
    assert send(ada, encoded("PNG")).status_code == 201
