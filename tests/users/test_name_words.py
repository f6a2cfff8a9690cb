"""Words of names: the database keeps them, whichever way a name comes in."""

import flask_migrate
import pytest
from apiflask import APIFlask
from sqlalchemy import delete, event, insert, inspect, select, text, update

from homeroom.auth.models import NameWord, User, name_key
from homeroom.data.database import db
from homeroom.data.transactions import write_transaction
from tests.conftest import MakePerson, Person


def words_of(app: APIFlask, user_id: int) -> set[str]:
    with app.app_context():
        return set(db.session.scalars(select(NameWord.name_from).where(NameWord.user_id == user_id)))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Ana María Díaz", {"maria diaz ana", "diaz ana maria"}),
        ("Mia Garcia-Lopez", {"garcia-lopez mia", "lopez mia garcia-"}),
        ("Sean O'Neill", {"o'neill sean", "neill sean o'"}),
        ("Sean O’Neill", {"o'neill sean", "neill sean o'"}),
        ("陈小明", {"小明 陈", "明 陈小"}),
        ("김민준", {"민준 김", "준 김민"}),
        ("ليلى حداد", {"حداد ليلى"}),
        ("Ana", set()),
        ("Bo Bo Bo", {"bo bo bo"}),
        ("Jr. (Bo)", {"bo) jr. ("}),
        (" ".join("abcdefghijklmnopqrstuvwxyz"), 16),
    ],
)
def test_a_name_is_kept_from_each_of_its_words_on(
    app: APIFlask, make_person: MakePerson, name: str, words: set[str] | int
) -> None:
    kept = words_of(app, make_person("x", name=name, signed_in=False).id)
    assert kept == words or len(kept) == words


def test_words_follow_every_way_of_writing_a_name(app: APIFlask, ada: Person, admin: Person) -> None:
    assert words_of(app, ada.id) == {"lovelace ada"}
    assert ada.client.put("/api/user", json={"name": "Ada King Noel"}).status_code == 200
    assert words_of(app, ada.id) == {"king noel ada", "noel ada king"}
    with app.app_context(), write_transaction() as session:
        session.execute(update(User).where(User.id == ada.id).values(name="A B", name_key="a b"))
    assert words_of(app, ada.id) == {"b a"}
    roster = b"uid,name\nada,Ada Byron\nbo,Bo Diaz\n"
    assert admin.client.post("/api/roster", data=roster, content_type="text/csv").status_code == 200
    assert words_of(app, ada.id) == {"byron ada"}
    assert {user["uid"] for user in ada.client.get("/api/users/?q=diaz").json} == {"bo"}
    with app.app_context(), write_transaction() as session:
        session.execute(
            text(
                "INSERT INTO users (uid, uid_key, name, name_key, role, pending, created_at) "
                "VALUES ('r', 'r', 'C D', 'c d', 'User', false, '2026-01-01 00:00:00')"
            )
        )
        by_hand = session.scalar(select(User.id).where(User.uid == "r"))
    assert words_of(app, by_hand) == {"d c"}


@pytest.mark.parametrize("enforced", [True, False])
def test_words_go_with_their_person(app: APIFlask, ada: Person, enforced: bool) -> None:
    with app.app_context(), db.engine.connect() as connection:
        sqlite = connection.dialect.name == "sqlite"
        if sqlite:
            connection.connection.driver_connection.execute(f"PRAGMA foreign_keys={enforced}")
        with connection.begin():
            connection.execute(delete(User).where(User.id == ada.id))
            assert connection.scalars(select(NameWord.name_from)).all() == []
        if sqlite:
            connection.connection.driver_connection.execute("PRAGMA foreign_keys=ON")


def test_writing_a_name_takes_no_further_statement(app: APIFlask, ada: Person) -> None:
    seen: list[str] = []
    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", lambda _c, _k, sql, *_: seen.append(sql))
    assert ada.client.put("/api/user", json={"name": "Ada King"}).status_code == 200
    assert not [sql for sql in seen if "name_words" in sql]


@pytest.mark.migrates
def test_keys_of_before_are_folded_by_the_migration(app: APIFlask, ada: Person) -> None:
    with app.app_context():
        flask_migrate.downgrade(revision="0010")
        with write_transaction() as session:
            session.execute(update(User).values(name="Łucja O’Connor–Bæk", name_key="łucja o’connor–bæk"))
        flask_migrate.upgrade()
        flask_migrate.check()
        key = db.session.scalar(select(User.name_key))
        assert key == name_key("Łucja O’Connor–Bæk") == "lucja o'connor-baek"
    assert words_of(app, ada.id) == {"o'connor-baek lucja", "connor-baek lucja o'", "baek lucja o'connor-"}
    for q in ("Lucja", "łucja", "o'connor", "O’CONNOR", "connor-b", "bæk"):
        assert len(ada.client.get("/api/users/", query_string={"q": q}).json) == 1, q


@pytest.mark.migrates
def test_the_migration_goes_down_and_up_with_people_in_the_tables(app: APIFlask, ada: Person) -> None:
    rows = [
        {"uid": f"u{n}", "uid_key": f"u{n}", "name": name, "name_key": name_key(name)}
        for n, name in enumerate(
            ["Ana María Díaz", "陈小明", "Bo", "O'Neill", *(f"N {n}" for n in range(1200))]
        )
    ]
    with app.app_context():
        with write_transaction() as session:
            session.execute(insert(User), rows)
        statement = select(NameWord.user_id, NameWord.name_from).order_by(
            NameWord.user_id, NameWord.name_from
        )
        before = db.session.execute(statement).all()
        assert len(before) > 1200
        db.session.remove()
        flask_migrate.downgrade(revision="0009")
        assert not inspect(db.engine).has_table("name_words")
        # What the version before writes meanwhile.
        with write_transaction() as session:
            session.execute(
                update(User).where(User.id == ada.id).values(name="Ada King", name_key="ada king")
            )
        flask_migrate.upgrade()
        flask_migrate.check()
        after = db.session.execute(statement).all()
        changed = {(ada.id, "lovelace ada"): (ada.id, "king ada")}
        assert after == sorted(changed.get(tuple(row), tuple(row)) for row in before)
    ada.client.put("/api/user", json={"name": "Ada Lovelace"})
    assert words_of(app, ada.id) == {"lovelace ada"}
