"""Every writing route of the portfolio, asked by twelve at once: one wins where one must."""

from apiflask import APIFlask

from homeroom.auth.models import name_key
from homeroom.data.transactions import write_transaction
from homeroom.portfolio.models import Project
from homeroom.portfolio.services import MAX_PROJECTS_PER_USER
from tests.conftest import Person
from tests.portfolio.test_projects import make, upload
from tests.races import AT_ONCE, race, races

ROUNDS = range(3)


@races("PATCH /api/projects/<int:project_id>", "PUT /api/projects/<int:project_id>")
def test_if_match_is_won_once(app: APIFlask, ada: Person) -> None:
    path = f"/api/projects/{make(ada)['id']}"
    for _ in ROUNDS:
        guard = {"If-Match": ada.client.get(path).headers["ETag"]}

        def save(client, number: int, guard=guard):
            method = "PATCH" if number % 2 else "PUT"
            return client.open(path, method=method, json={"body": f"{number}"}, headers=guard)

        won = race(app, ada, save)
        assert won == {200: 1, 412: AT_ONCE - 1}


def test_tags_changed_by_twelve_are_those_of_one(app: APIFlask, ada: Person) -> None:
    path = f"/api/projects/{make(ada, tags=['a', 'b', 'c'])['id']}"
    for _ in ROUNDS:
        won = race(app, ada, lambda client, n: client.patch(path, json={"tags": [f"{n}", "x", f"y{n}"]}))
        assert won == {200: AT_ONCE}
        first, _, last = ada.client.get(path).json["tags"]
        assert last == f"y{first}"


@races("PUT /api/portfolio")
def test_the_first_profile_made_by_twelve_is_one(app: APIFlask, ada: Person) -> None:
    assert race(app, ada, lambda client, n: client.put("/api/portfolio", json={"about": f"{n}"})) == {
        200: AT_ONCE
    }


@races("DELETE /api/projects/<int:project_id>")
def test_a_project_is_deleted_once(app: APIFlask, ada: Person) -> None:
    project = make(ada, pictures=[{"id": upload(ada)}])
    won = race(app, ada, lambda client, _: client.delete(f"/api/projects/{project['id']}"))
    assert won == {200: 1, 404: AT_ONCE - 1}


def test_a_picture_goes_to_one_project(app: APIFlask, ada: Person) -> None:
    pictures = [{"id": upload(ada)}, {"id": upload(ada)}]

    def take(client, number: int):
        order = pictures if number % 2 else pictures[::-1]
        return client.post("/api/projects/", json={"title": f"{number}", "pictures": order})

    assert race(app, ada, take) == {201: 1, 422: AT_ONCE - 1}


@races("PUT /api/projects/<int:project_id>/hidden", "DELETE /api/projects/<int:project_id>/hidden")
def test_hiding_showing_and_changing_at_once_all_last(app: APIFlask, ada: Person, admin: Person) -> None:
    path = f"/api/projects/{make(ada, visibility='class')['id']}"

    def change(client, number: int):
        if number % 3 == 0:
            return client.delete(f"{path}/hidden")
        if number % 3 == 1:
            return client.put(f"{path}/hidden", json={"reason": "No."})
        return client.patch(path, json={"title": f"{number}"})

    assert race(app, admin, change) == {200: AT_ONCE}
    seen = ada.client.get(path).json
    assert seen["hidden"] is None or seen["hidden"]["reason"] == "No."
    assert seen["title"] != "A weather station"


@races("POST /api/projects/", "POST /api/projects/preview")
def test_nobody_has_more_projects_than_they_may(app: APIFlask, ada: Person) -> None:
    with app.app_context(), write_transaction() as session:
        for number in range(MAX_PROJECTS_PER_USER - 5):
            title = f"{number}"
            session.add(Project(owner_id=ada.id, title=title, title_key=name_key(title), links=[]))
    won = race(app, ada, lambda client, n: client.post("/api/projects/", json={"title": f"n{n}"}))
    assert won == {201: 5, 409: AT_ONCE - 5}
    text = {"body": "*Nothing* is kept."}
    assert race(app, ada, lambda client, _: client.post("/api/projects/preview", json=text)) == {200: AT_ONCE}
