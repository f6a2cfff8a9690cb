"""Projects: who sees, changes, hides and deletes what; lists, pages, conflicts, pictures."""

import io
from datetime import timedelta
from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.test import TestResponse

from homeroom.auth.models import Role
from homeroom.data.transactions import write_transaction
from homeroom.data.types import utc_now
from homeroom.uploads.models import Picture
from tests.conftest import MakePerson, Person

DRAFT, CLASS, PUBLIC = "draft", "class", "public"


def make(person: Person, title: str = "A weather station", **fields: Any) -> dict[str, Any]:
    answer = person.client.post("/api/projects/", json={"title": title} | fields)
    assert answer.status_code == 201, answer.json
    return answer.json


def upload(person: Person, colour: str = "tomato") -> int:
    buffer = io.BytesIO()
    Image.new("RGB", (800, 600), colour).save(buffer, "PNG")
    buffer.seek(0)
    answer = person.client.post("/api/uploads/", data={"file": (buffer, "picture.png")})
    assert answer.status_code == 201, answer.json
    return answer.json["id"]


def status(client: FlaskClient, project: dict[str, Any], method: str = "GET", **kwargs: Any) -> int:
    return client.open(f"/api/projects/{project['id']}", method=method, **kwargs).status_code


@pytest.fixture
def eve(make_person: MakePerson) -> Person:
    """Another student."""
    return make_person("eve", name="Eve")


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_project_is_made_and_read_as_it_was_sent(ada: Person, slash: str) -> None:
    sent = {
        "title": "  A   weather station ",
        "summary": "It rains.",
        "body": "# Why\n\nBecause *rain*.",
        "visibility": CLASS,
        "tags": ["Sensors", "python", "sensors"],
        "links": [{"label": "Source", "url": "https://example.org/source"}],
    }
    made = ada.client.post(f"/api/projects{slash}", json=sent)
    assert made.status_code == 201
    project = made.json
    assert project["title"] == "A weather station"
    assert project["tags"] == ["Sensors", "python"]
    assert project["links"] == sent["links"]
    assert project["author"] == {"name": "Ada Lovelace", "uid": "ada", "id": ada.id, "picture": None}
    assert project["access"] == ["rw"]
    assert project["hidden"] is None
    read = ada.client.get(f"/api/projects/{project['id']}{slash}")
    assert read.json == project
    assert read.headers["ETag"] == made.headers["ETag"]


def test_a_new_project_is_a_draft_and_its_owners_alone(
    ada: Person, eve: Person, teacher: Person, guest: FlaskClient
) -> None:
    project = make(ada)
    assert project["visibility"] == DRAFT
    assert status(ada.client, project) == 200
    assert {status(client, project) for client in (eve.client, teacher.client, guest)} == {404}
    assert eve.client.get("/api/projects/").json == []


def test_who_sees_what(
    ada: Person, eve: Person, teacher: Person, make_person: MakePerson, guest: FlaskClient
) -> None:
    projects = {word: make(ada, visibility=word) for word in (DRAFT, CLASS, PUBLIC)}
    waiting = make_person("waiting", pending=True)

    def seen_by(client: FlaskClient) -> set[str]:
        listed = {project["visibility"] for project in client.get("/api/projects/").json}
        read = {word for word, project in projects.items() if status(client, project) == 200}
        assert listed == read
        return read

    assert seen_by(ada.client) == {DRAFT, CLASS, PUBLIC}
    assert seen_by(eve.client) == seen_by(teacher.client) == {CLASS, PUBLIC}
    assert seen_by(guest) == seen_by(waiting.client) == {PUBLIC}


def test_guests_learn_no_more_of_an_author_than_the_shown_name(ada: Person, guest: FlaskClient) -> None:
    project = make(ada, visibility=PUBLIC)
    assert guest.get(f"/api/projects/{project['id']}").json["author"] == {"name": "A student"}
    assert ada.client.put("/api/portfolio", json={"shown_name": "Ada L."}).status_code == 200
    for answer in (guest.get(f"/api/projects/{project['id']}").json, guest.get("/api/projects/").json[0]):
        assert answer["author"] == {"name": "Ada L."}
        assert answer["access"] == ["ro"]
    text = guest.get(f"/api/projects/{project['id']}").get_data(as_text=True)
    assert "Lovelace" not in text
    assert [one["id"] for one in guest.get("/api/projects/?uid=ada").json] == [project["id"]]
    assert guest.get("/api/projects/?uid=nobody").json == []


def test_the_class_sees_an_authors_picture_and_guests_do_not(
    ada: Person, eve: Person, guest: FlaskClient, make_person: MakePerson
) -> None:
    waiting = make_person("waiting", pending=True)
    project = make(ada, visibility=PUBLIC)
    make(eve, visibility=PUBLIC)
    me = ada.client.put("/api/id/picture", json={"picture_id": upload(ada, "teal")}).json
    listed, read = "/api/projects/?sort=created_at", f"/api/projects/{project['id']}"
    for answer in (eve.client.get(listed).json[0], eve.client.get(read).json):
        assert answer["author"]["picture"] == me["picture"]
    assert eve.client.get(listed).json[1]["author"]["picture"] is None
    address = me["picture"]["webp"]
    assert eve.client.get(address, buffered=True).status_code == 200

    for stranger in (guest, waiting.client):
        for answer in (stranger.get(listed).json[0], stranger.get(read).json):
            assert answer["author"] == {"name": "A student"}
    assert guest.get(address).status_code == 401
    assert waiting.client.get(address).status_code == 404


def test_a_new_portrait_is_told_but_is_no_change_of_the_project(ada: Person) -> None:
    path = f"/api/projects/{make(ada)['id']}"
    before = ada.client.get(path).headers["ETag"]
    ada.client.put("/api/id/picture", json={"picture_id": upload(ada, "teal")})

    seen_again = ada.client.get(path, headers={"If-None-Match": before})
    assert seen_again.status_code == 200
    assert seen_again.json["author"]["picture"] is not None
    saved = ada.client.patch(path, json={"title": "Mine"}, headers={"If-Match": before})
    assert saved.status_code == 200
    assert ada.client.patch(path, json={"title": "Old"}, headers={"If-Match": before}).status_code == 412


def test_who_waits_for_admission_learns_no_more_than_a_guest(
    ada: Person, guest: FlaskClient, make_person: MakePerson
) -> None:
    waiting = make_person("waiting", pending=True)
    project = make(ada, visibility=PUBLIC)
    ada.client.put("/api/portfolio", json={"shown_name": "Ada L."})
    for path in (f"/api/projects/{project['id']}", "/api/projects/", "/api/portfolio/ada"):
        seen = waiting.client.get(path)
        assert seen.status_code == 200
        assert seen.json == guest.get(path).json
        assert "Lovelace" not in seen.get_data(as_text=True)
    assert waiting.client.get("/api/portfolio/waiting").json["uid"] == "waiting"


def test_only_the_author_or_an_admin_changes_or_deletes(
    ada: Person, eve: Person, teacher: Person, admin: Person, guest: FlaskClient
) -> None:
    project = make(ada, visibility=PUBLIC)
    for person in (eve, teacher):
        assert status(person.client, project, "PATCH", json={"title": "Mine"}) == 403
        assert status(person.client, project, "DELETE") == 403
    assert status(guest, project, "PATCH", json={"title": "Mine"}) == 401
    assert status(admin.client, project, "PATCH", json={"title": "Corrected"}) == 200
    assert status(ada.client, project, "DELETE") == 200
    assert status(ada.client, project) == 404


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_fields_that_are_not_sent_stay(ada: Person, method: str) -> None:
    project = make(ada, body="Text", tags=["a"], visibility=CLASS)
    answer = ada.client.open(f"/api/projects/{project['id']}", method=method, json={"summary": "New"})
    assert answer.json == project | {"summary": "New", "updated_at": answer.json["updated_at"]}
    unchanged = ada.client.patch(f"/api/projects/{project['id']}", json={})
    assert unchanged.headers["ETag"] == answer.headers["ETag"]


def test_an_admin_neither_makes_a_draft_of_somebodys_project_nor_places_their_upload(
    ada: Person, admin: Person
) -> None:
    """Drafts and uploads that nothing uses are their owner's alone."""
    project, picture = make(ada, visibility="class"), upload(ada)
    path = f"/api/projects/{project['id']}"
    drafted = admin.client.patch(path, json={"visibility": "draft"})
    assert (drafted.status_code, "Hide it instead" in drafted.json["detail"]) == (403, True)
    placed = admin.client.patch(path, json={"pictures": [{"id": picture}]})
    assert (placed.status_code, placed.json["errors"][0]["pointer"]) == (422, "#/pictures/0/id")
    seen = ada.client.get(path).json
    assert (seen["visibility"], seen["pictures"]) == ("class", [])
    # What its author has placed may stay, or go.
    assert ada.client.patch(path, json={"pictures": [{"id": picture}]}).status_code == 200
    assert admin.client.patch(path, json={"pictures": [{"id": picture, "alt": "A roof"}]}).status_code == 200


def test_what_somebody_else_saved_is_not_overwritten(ada: Person, admin: Person) -> None:
    project = make(ada)
    path = f"/api/projects/{project['id']}"
    etag = ada.client.get(path).headers["ETag"]
    assert ada.client.put(path, json={"title": "One"}, headers={"If-Match": etag}).status_code == 200
    stale = ada.client.put(path, json={"title": "Two"}, headers={"If-Match": etag})
    assert stale.status_code == 412
    assert "Reload it and try again" in stale.json["message"]
    assert ada.client.get(path).json["title"] == "One"
    fresh = ada.client.get(path).headers["ETag"]
    assert ada.client.put(path, json={"title": "Two"}, headers={"If-Match": fresh}).status_code == 200
    assert ada.client.get(path, headers={"If-None-Match": fresh}).status_code == 200


def test_an_unchanged_project_is_not_sent_twice(ada: Person) -> None:
    path = f"/api/projects/{make(ada)['id']}"
    etag = ada.client.get(path).headers["ETag"]
    assert ada.client.get(path, headers={"If-None-Match": etag}).status_code == 304


def test_the_staff_hides_with_a_reason_that_the_owner_reads(
    ada: Person, eve: Person, teacher: Person, guest: FlaskClient
) -> None:
    project = make(ada, visibility=PUBLIC)
    path = f"/api/projects/{project['id']}/hidden"
    assert eve.client.put(path, json={"reason": "Boring"}).status_code == 403
    assert ada.client.put(path, json={"reason": "Mine"}).status_code == 403
    assert teacher.client.put(path, json={"reason": ""}).status_code == 422
    hidden = teacher.client.put(path, json={"reason": "Shows a home address."})
    assert hidden.status_code == 200
    assert {status(client, project) for client in (eve.client, guest)} == {404}
    assert (
        ada.client.get(f"/api/projects/{project['id']}").json["hidden"]["reason"] == "Shows a home address."
    )
    queue = teacher.client.get("/api/projects/?hidden=true")
    assert [one["id"] for one in queue.json] == [project["id"]]
    assert eve.client.get("/api/projects/?hidden=true").json == []
    assert teacher.client.delete(path).status_code == 200
    assert status(guest, project) == 200


def test_a_hidden_project_stays_hidden_whatever_its_owner_changes(
    ada: Person, teacher: Person, guest: FlaskClient
) -> None:
    project = make(ada, visibility=PUBLIC)
    teacher.client.put(f"/api/projects/{project['id']}/hidden", json={"reason": "No."})
    for word in (DRAFT, PUBLIC):
        assert status(ada.client, project, "PATCH", json={"visibility": word}) == 200
    assert status(guest, project) == 404
    assert ada.client.patch(f"/api/projects/{project['id']}", json={"hidden": None}).status_code == 422


def test_lists_have_pages_orders_and_filters(ada: Person, eve: Person) -> None:
    titles = ["Émile", "alpha", "Beta", "alphabet", "Zoo"]
    for number, title in enumerate(titles):
        make(ada if number % 2 else eve, title, visibility=CLASS, tags=["Odd" if number % 2 else "even"])

    def titles_of(query: str) -> list[str]:
        answer = ada.client.get(f"/api/projects/?{query}")
        assert answer.status_code == 200
        return [project["title"] for project in answer.json]

    assert titles_of("") == titles[::-1]
    assert titles_of("sort=created_at") == titles
    assert titles_of("sort=title") == ["alpha", "alphabet", "Beta", "Émile", "Zoo"]
    assert titles_of("uid=ADA") == ["alphabet", "alpha"]
    assert titles_of("tag=odd") == ["alphabet", "alpha"]
    assert titles_of("q=ALPHA") == ["alphabet", "alpha"]
    assert titles_of("q=emi") == ["Émile"]
    first = ada.client.get("/api/projects/?limit=2&sort=title")
    assert first.headers["X-Total-Count"] == "5"
    link = first.headers["Link"].split(">")[0][1:]
    second = ada.client.get(link)
    assert [project["title"] for project in second.json] == ["Beta", "Émile"]
    assert "body" not in first.json[0]
    for query in (
        "limit=0",
        "limit=101",
        "sort=age",
        "cursor=x",
        "visibility=all",
        "hidden=perhaps",
        "q=%00",
    ):
        assert ada.client.get(f"/api/projects/?{query}").status_code == 422


WRONG = [
    {"title": ""},
    {"title": "a" * 121},
    {"title": None},
    {"title": "\u202eevil"},
    {"summary": "a" * 301},
    {"body": "a" * 20_001},
    {"body": "a\x00b"},
    {"visibility": "everyone"},
    {"tags": ["a" * 41]},
    {"tags": [str(number) for number in range(13)]},
    {"tags": "one"},
    {"links": [{"label": "x", "url": "javascript:alert(1)"}]},
    {"links": [{"label": "x", "url": "data:text/html,x"}]},
    {"links": [{"label": "x", "url": "https://user:secret@example.org"}]},
    {"links": [{"label": "x", "url": "notanaddress"}]},
    {"links": [{"label": "x", "url": "https://notanaddress"}]},
    {"links": [{"label": "x", "url": "https://example."}]},
    {"links": [{"label": "", "url": "https://example.org"}]},
    {"links": [{"url": "https://example.org"}]},
    {"pictures": [{"id": 999}]},
    {"pictures": [{"id": 0}]},
    {"pictures": [{"id": "1"}]},
    {"owner_id": 1},
    {"hidden_reason": None},
]


@pytest.mark.parametrize("fields", WRONG, ids=lambda fields: repr(fields)[:40])
def test_a_wrong_field_is_named_and_nothing_is_changed(ada: Person, fields: dict[str, Any]) -> None:
    project = make(ada, title="Before")
    answer = ada.client.patch(f"/api/projects/{project['id']}", json=fields)
    assert answer.status_code == 422
    assert answer.json["errors"][0]["pointer"].startswith(f"#/{next(iter(fields))}")
    assert ada.client.get(f"/api/projects/{project['id']}").json == project
    assert ada.client.post("/api/projects/", json={"title": "New"} | fields).status_code == 422
    assert len(ada.client.get("/api/projects/").json) == 1


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_preview_is_what_the_project_will_show(ada: Person, slash: str) -> None:
    body = "# Why\n\nBecause *rain* <b>falls</b> [here](javascript:alert(1)).\n\n- one\n- two"
    answer = ada.client.post(f"/api/projects/preview{slash}", json={"body": body})
    assert answer.status_code == 200
    assert answer.json == {"content": make(ada, body=body)["content"]}
    assert len(ada.client.get("/api/projects/").json) == 1


def test_a_preview_is_for_who_is_signed_in_and_of_a_text_that_could_be_saved(
    ada: Person, guest: FlaskClient
) -> None:
    path = "/api/projects/preview"
    assert guest.post(path, json={"body": "*rain*"}).status_code == 401
    assert ada.client.post(path, json={"body": "a" * 20_000}).status_code == 200
    for wrong in ({"body": "a" * 20_001}, {"body": "\x00"}, {"body": None}, {}, {"body": "", "title": "x"}):
        refused = ada.client.post(path, json=wrong)
        assert refused.status_code == 422, wrong
    assert ada.client.post(path, json={"body": ""}).json == {"content": []}
    foreign = {"Origin": "https://evil.example"}
    assert ada.client.post(path, json={"body": ""}, headers=foreign).status_code == 403


def test_who_waits_for_admission_makes_no_projects(make_person: MakePerson) -> None:
    waiting = make_person("waiting", pending=True)
    assert waiting.client.post("/api/projects/", json={"title": "Spam"}).status_code == 403


def picture_status(client: FlaskClient, project: dict[str, Any], picture_id: int) -> TestResponse:
    return client.get(f"/api/projects/{project['id']}/pictures/{picture_id}/card.webp", buffered=True)


def test_pictures_are_shown_in_order_with_their_words(ada: Person) -> None:
    first, second = upload(ada), upload(ada, "teal")
    placed = [{"id": second, "alt": "Teal"}, {"id": first, "alt": "Tomato"}]
    project = make(ada, pictures=placed)
    assert [(one["id"], one["alt"]) for one in project["pictures"]] == [(second, "Teal"), (first, "Tomato")]
    for one in project["pictures"]:
        for rendition in one["urls"].values():
            for address in rendition.values():
                answer = ada.client.get(address, buffered=True)
                assert answer.status_code == 200
                assert "immutable" in answer.headers["Cache-Control"]
    path = f"/api/projects/{project['id']}"
    turned = ada.client.patch(path, json={"pictures": placed[::-1]}).json
    assert [one["id"] for one in turned["pictures"]] == [first, second]


def test_pictures_of_a_project_are_for_who_may_see_it(ada: Person, eve: Person, guest: FlaskClient) -> None:
    picture = upload(ada)
    project = make(ada, pictures=[{"id": picture}], visibility=CLASS)
    assert picture_status(ada.client, project, picture).status_code == 200
    assert picture_status(eve.client, project, picture).status_code == 200
    assert picture_status(guest, project, picture).status_code == 404
    status(ada.client, project, "PATCH", json={"visibility": DRAFT})
    assert picture_status(eve.client, project, picture).status_code == 404
    other = make(eve, visibility=PUBLIC)
    assert picture_status(guest, other, picture).status_code == 404


def test_a_picture_is_used_once_and_by_its_owner(ada: Person, eve: Person) -> None:
    picture = upload(ada)
    make(ada, pictures=[{"id": picture}])
    again = ada.client.post("/api/projects/", json={"title": "Two", "pictures": [{"id": picture}]})
    assert again.status_code == 422
    mine = upload(ada)
    twice = {"title": "Twice", "pictures": [{"id": mine}, {"id": mine}]}
    assert ada.client.post("/api/projects/", json=twice).status_code == 422
    stolen = eve.client.post("/api/projects/", json={"title": "Mine", "pictures": [{"id": mine}]})
    assert stolen.status_code == 422


def test_a_picture_that_is_taken_out_is_gone_and_so_are_those_of_a_deleted_project(ada: Person) -> None:
    first, second = upload(ada), upload(ada)
    project = make(ada, pictures=[{"id": first}, {"id": second}])
    status(ada.client, project, "PATCH", json={"pictures": [{"id": second}]})
    assert ada.client.get(f"/api/uploads/{first}/card.webp").status_code == 404
    assert ada.client.get(f"/api/uploads/{second}/card.webp", buffered=True).status_code == 200
    status(ada.client, project, "DELETE")
    assert ada.client.get(f"/api/uploads/{second}/card.webp").status_code == 404


def test_a_deleted_account_takes_its_projects_along(ada: Person, eve: Person, admin: Person) -> None:
    project = make(ada, visibility=PUBLIC, tags=["a"], pictures=[{"id": upload(ada)}])
    assert admin.client.delete(f"/api/users/{ada.id}").status_code == 200
    assert status(eve.client, project) == 404
    assert eve.client.get("/api/projects/").json == []


def test_a_portfolio_is_for_the_class_and_for_guests_of_public_work(
    ada: Person, eve: Person, guest: FlaskClient
) -> None:
    said = {"about": "I build things.", "links": [{"label": "Me", "url": "https://example.org/"}]}
    assert ada.client.put("/api/portfolio", json=said | {"shown_name": "Ada L."}).status_code == 200
    seen = eve.client.get("/api/portfolio/ADA").json
    assert seen == {"name": "Ada Lovelace", "uid": "ada", "id": ada.id, "access": ["ro"], **said}
    assert ada.client.get("/api/portfolio/ada").json["shown_name"] == "Ada L."
    assert guest.get("/api/portfolio/ada").status_code == 404
    make(ada, visibility=PUBLIC)
    assert guest.get("/api/portfolio/ada").json == {"name": "Ada L.", "access": ["ro"], **said}
    assert eve.client.get("/api/portfolio/nobody").status_code == 404
    assert ada.client.put("/api/portfolio", json={"about": "New"}).json["links"] == said["links"]
    for wrong in ({"about": "a" * 2001}, {"links": [{"label": "x", "url": "ftp://x"}]}, {"uid": "x"}):
        assert ada.client.put("/api/portfolio", json=wrong).status_code == 422
    assert guest.put("/api/portfolio", json=said).status_code == 401


def test_the_staff_sees_the_class_at_a_glance(ada: Person, teacher: Person, make_person: MakePerson) -> None:
    make_person("invited", password_hash=None, signed_in=False)
    shown = make(ada, visibility=PUBLIC, pictures=[{"id": upload(ada)}])
    make(ada)
    assert ada.client.get("/api/overview").status_code == 403
    seen = teacher.client.get("/api/overview").json
    assert seen["users"] == {"active": 2, "invited": 1, "pending": 0}
    assert seen["projects"] == {"draft": 1, "class": 0, "public": 1, "hidden": 0}
    assert sum(day["count"] for day in seen["projects_by_day"]) == 2
    assert len(seen["users_by_day"]) == 60
    assert seen["storage_bytes"] > 1000
    days = {name: [day["day"] for day in seen[name]] for name in seen if name.endswith("_by_day")}
    assert days["projects_by_day"] == days["users_by_day"] == days["storage_by_day"]
    stored = [day["count"] for day in seen["storage_by_day"]]
    assert (stored[0], stored[-1]) == (0, seen["storage_bytes"])
    teacher.client.put(f"/api/projects/{shown['id']}/hidden", json={"reason": "A home address."})
    # Hidden is said in addition: the project still has its visibility.
    counted = teacher.client.get("/api/overview").json["projects"]
    assert counted == {"draft": 1, "class": 0, "public": 1, "hidden": 1}


def test_what_was_stored_before_the_days_that_are_shown_is_counted_on_each(
    app: APIFlask, ada: Person, teacher: Person
) -> None:
    old, new = upload(ada), upload(ada, "teal")
    with app.app_context(), write_transaction() as session:
        session.get_one(Picture, old).created_at = utc_now() - timedelta(days=90)
        session.get_one(Picture, new).created_at = utc_now() - timedelta(days=10)
        sizes = {number: session.get_one(Picture, number).bytes for number in (old, new)}
    seen = teacher.client.get("/api/overview").json
    stored = [day["count"] for day in seen["storage_by_day"]]
    assert stored[:45] == [sizes[old]] * 45
    assert stored[-5:] == [sizes[old] + sizes[new]] * 5


def test_roles_that_moderate_are_the_staffs(admin: Person, ada: Person) -> None:
    project = make(ada, visibility=CLASS)
    assert admin.client.get("/api/id").json["role"] == Role.ADMIN
    answer = admin.client.put(f"/api/projects/{project['id']}/hidden", json={"reason": "x"})
    assert answer.status_code == 200


@pytest.mark.parametrize("waits", [False, True])
def test_nobody_outside_the_class_learns_whose_id_a_nameless_author_has(
    app: APIFlask, ada: Person, make_person: MakePerson, waits: bool
) -> None:
    make(ada, visibility="public")
    outside = make_person("waiting", pending=True).client if waits else app.test_client()
    (shown,) = outside.get("/api/projects/").json
    assert shown["author"] == {"name": "A student"}
    assert outside.get("/api/projects/?uid=ada").json == []
    assert outside.get("/api/portfolio/ada").status_code == 404
    # Somebody who shows a name has said that they may be found.
    ada.client.put("/api/portfolio", json={"shown_name": "Ada L."})
    assert len(outside.get("/api/projects/?uid=ada").json) == 1
    assert outside.get("/api/portfolio/ada").json["name"] == "Ada L."
    assert len(ada.client.get("/api/projects/?uid=ada").json) == 1
