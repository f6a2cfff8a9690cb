"""Lists: pages, search, order, and answers that need not be sent twice."""

import gzip
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from apiflask import APIFlask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert

from homeroom.auth.models import Role, User, name_key
from homeroom.data.transactions import write_transaction
from tests.conftest import MakeApp, MakePerson, Person

NAMES = (
    "Ada Lovelace", "ada byron", "Álvaro Díaz", "Zoë Zhang", "Straße Groß", "Élise", "Ödön von Horváth",
    "李小龍", "محمد", "Ὑπατία", "Ab", "ab", "AB", "a", "ﷺ" * 20, "O'Brien", "100% sure", "under_score",
    "ليلى حداد", "Mia Garcia-Lopez",
)  # fmt: skip


@pytest.fixture
def crowd(app: APIFlask) -> None:
    with app.app_context(), write_transaction() as session:
        for number, name in enumerate(NAMES):
            user = User()
            user.rename(name=name, uid=f"s{number:03}")
            session.add(user)


def page_through(person: Person, query: str) -> list[list[str]]:
    pages, url = [], f"/api/users/?{query}"
    while url:
        answer = person.client.get(url)
        assert answer.status_code == 200
        pages.append([user["uid"] for user in answer.json])
        link = re.fullmatch(r'<([^>]+)>; rel="next"', answer.headers.get("Link", ""))
        url = link.group(1) if link else None
    return pages


@pytest.mark.parametrize("sort", ["name", "-name", "uid", "-uid", "id", "-id"])
@pytest.mark.parametrize("limit", [1, 4, 18, 19, 20])
def test_pages_show_everyone_once_and_in_order(ada: Person, crowd: None, sort: str, limit: int) -> None:
    whole = page_through(ada, f"sort={sort}")
    assert len(whole) == 1
    pages = page_through(ada, f"sort={sort}&limit={limit}")
    assert sum(pages, []) == whole[0]
    assert len(set(whole[0])) == len(NAMES) + 1
    assert all(len(page) == limit for page in pages[:-1])
    assert pages[-1], "a next page that is announced is not empty"


def test_names_are_sorted_without_regard_to_case_and_accents(ada: Person, crowd: None) -> None:
    names = [user["name"] for user in ada.client.get("/api/users/").json]
    assert names == sorted(names, key=name_key)
    assert names.index("Élise") < names.index("O'Brien") < names.index("Ödön von Horváth")


def test_ids_in_reverse_are_the_reverse(ada: Person, crowd: None) -> None:
    forwards, backwards = page_through(ada, "sort=uid"), page_through(ada, "sort=-uid")
    assert forwards[0] == backwards[0][::-1]


def test_a_page_begins_after_the_last_row_even_if_that_is_deleted(
    ada: Person, admin: Person, crowd: None
) -> None:
    first = ada.client.get("/api/users/?sort=uid&limit=5")
    last = first.json[-1]
    admin.client.delete("/api/users/", json={"uid": last["uid"]})
    cursor = parse_qs(urlsplit(first.headers["Link"].split(">")[0]).query)["cursor"][0]
    second = ada.client.get("/api/users/", query_string={"sort": "uid", "limit": 5, "cursor": cursor})
    assert second.json[0]["uid"] > last["uid"]
    assert len(second.json) == 5


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("ada", {"Ada Lovelace", "ada byron"}),
        ("ADA L", {"Ada Lovelace"}),
        ("alvaro", {"Álvaro Díaz"}),
        ("élise", {"Élise"}),
        ("strasse", {"Straße Groß"}),
        ("李", {"李小龍"}),
        ("s003", {"Zoë Zhang"}),
        ("S003", {"Zoë Zhang"}),
        ("100%", {"100% sure"}),
        ("under_", {"under_score"}),
        ("o'", {"O'Brien"}),
        ("%", set()),
        ("_", set()),
        ("' OR 1=1 --", set()),
        ("lovelace", {"Ada Lovelace"}),
        ("diaz", {"Álvaro Díaz"}),
        ("DÍAZ", {"Álvaro Díaz"}),
        ("horvath", {"Ödön von Horváth"}),
        ("von h", {"Ödön von Horváth"}),
        ("diaz alvaro", {"Álvaro Díaz"}),
        ("al di", {"Álvaro Díaz"}),
        ("horvath odon", {"Ödön von Horváth"}),
        ("alvaro horvath", set()),
        ("alvaro alv", {"Álvaro Díaz"}),
        ("brien", {"O'Brien"}),
        ("小龍", {"李小龍"}),
        ("龍", {"李小龍"}),
        ("حداد", {"ليلى حداد"}),
        ("ليلى حداد", {"ليلى حداد"}),
        ("lopez", {"Mia Garcia-Lopez"}),
        ("garcia-l", {"Mia Garcia-Lopez"}),
        ("garcia lopez", {"Mia Garcia-Lopez"}),
        ("azel", set()),
    ],
)
def test_search_finds_beginnings_of_each_word_of_a_name_and_of_ids(
    ada: Person, crowd: None, q: str, found: set[str]
) -> None:
    answer = ada.client.get("/api/users/", query_string={"q": q})
    names = {user["name"] for user in answer.json}
    assert names == found
    assert answer.headers["X-Total-Count"] == str(len(answer.json))


def test_search_keeps_its_words_on_the_next_page(ada: Person, crowd: None) -> None:
    pages = page_through(ada, "q=s0&limit=5&sort=uid")
    assert sum(pages, []) == [f"s{number:03}" for number in range(len(NAMES))]


def test_what_was_searched_by_comes_first_and_nobody_twice(
    ada: Person, crowd: None, make_person: MakePerson
) -> None:
    for uid, name in (("zoe", "Zoltan"), ("zoltan", "Berta"), ("anna", "Zora"), ("zz", "Anton")):
        make_person(uid, name=name, signed_in=False)
    by_name = sum(page_through(ada, "q=z"), [])
    assert by_name == ["s003", "zoe", "anna", "zoltan", "zz"]
    assert sum(page_through(ada, "q=z&sort=uid"), []) == ["zoe", "zoltan", "zz", "s003", "anna"]
    assert sum(page_through(ada, "q=z&sort=-name"), []) == ["anna", "zoe", "s003", "zz", "zoltan"]
    for limit in (1, 2, 3, 5):
        pages = page_through(ada, f"q=z&limit={limit}")
        assert sum(pages, []) == by_name
        assert all(len(page) == limit for page in pages[:-1])
        assert pages[-1]


def test_a_name_with_the_same_word_twice_is_found_once(ada: Person, make_person: MakePerson) -> None:
    for uid, name in (("a1", "Bo Zed Zen"), ("a2", "Zed Zed"), ("a3", "Bo Zen Zed"), ("a4", "Cy Zed")):
        make_person(uid, name=name, signed_in=False)
    # Whose name begins with it, then by the name from the first of the words on.
    for q, found in (
        ("z", ["a2", "a3", "a4", "a1"]),
        ("zed", ["a2", "a3", "a4", "a1"]),
        ("ze bo", ["a1", "a3"]),
    ):
        for limit in (1, 2, 1000):
            assert sum(page_through(ada, f"q={q}&limit={limit}"), []) == found, (q, limit)
        backwards = sum(page_through(ada, f"q={q}&limit=1&sort=-name"), [])
        assert sorted(backwards) == sorted(found)
        assert ada.client.get(f"/api/users/?q={q}").headers["X-Total-Count"] == str(len(found))


def test_a_pending_person_is_found_by_no_word(ada: Person, admin: Person, make_person: MakePerson) -> None:
    make_person("eve", name="Eve Quux", signed_in=False, pending=True)
    for q in ("quux", "quux eve"):
        assert ada.client.get(f"/api/users/?q={q}").json == []
        assert [user["uid"] for user in admin.client.get(f"/api/users/?q={q}").json] == ["eve"]


def test_words_that_very_many_people_share_are_followed_to_a_bound_and_not_counted(
    ada: Person, make_person: MakePerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("homeroom.users.search.MAX_CANDIDATES", 3)
    for number, name in enumerate(
        ("Ana Diaz", "Ana Dorn", "Ana Dietz", "Ana Dell", "Ana Dean", "Zoe Ana Dunn")
    ):
        make_person(f"s{number}", name=name, signed_in=False)
    answer = ada.client.get("/api/users/?q=d+ana")
    assert len(answer.json) == 3
    assert "X-Total-Count" not in answer.headers
    # The rarest word leads: it finds everybody, however many have the other one.
    answer = ada.client.get("/api/users/?q=ana+di")
    assert {user["name"] for user in answer.json} == {"Ana Diaz", "Ana Dietz"}
    assert answer.headers["X-Total-Count"] == "2"


def test_a_search_that_finds_very_many_is_not_counted(app: APIFlask, ada: Person) -> None:
    rows = [
        {"uid": f"many{n}", "uid_key": f"many{n}", "name": "N", "name_key": f"n{n}", "role": Role.USER}
        for n in range(1001)
    ]
    with app.app_context(), write_transaction() as session:
        session.execute(insert(User), rows[:1000])
    assert ada.client.get("/api/users/?q=many").headers["X-Total-Count"] == "1000"
    with app.app_context(), write_transaction() as session:
        session.execute(insert(User), rows[1000:])
    answer = ada.client.get("/api/users/?q=many")
    assert "X-Total-Count" not in answer.headers
    assert len(answer.json) == 1000
    assert 'rel="next"' in answer.headers["Link"]
    assert ada.client.get("/api/users/?limit=1").headers["X-Total-Count"] == "1002"


@pytest.mark.parametrize(("quality", "compressed"), [("gzip", True), ("gzip;q=0, *", False), ("br", False)])
def test_a_long_list_is_compressed_for_who_takes_it(
    ada: Person, crowd: None, quality: str, compressed: bool
) -> None:
    plain = ada.client.get("/api/users/")
    answer = ada.client.get("/api/users/", headers={"Accept-Encoding": quality})
    assert "Accept-Encoding" in answer.headers["Vary"]
    assert (answer.headers.get("Content-Encoding") == "gzip") == compressed
    assert (answer.headers["ETag"] != plain.headers["ETag"]) == compressed
    assert (gzip.decompress(answer.data) if compressed else answer.data) == plain.data
    known = {"Accept-Encoding": quality, "If-None-Match": answer.headers["ETag"]}
    assert ada.client.get("/api/users/", headers=known).status_code == 304


@pytest.mark.parametrize(
    "cursor", ["3.", "-1.", ".", "x.", "1.nonsense", "0.W10", "WyJhIiwxXQ", "01.", "1.."]
)
def test_a_cursor_of_a_search_is_checked_too(ada: Person, cursor: str) -> None:
    answer = ada.client.get("/api/users/", query_string={"q": "a", "cursor": cursor})
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json["errors"]] == ["#/cursor"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=-1", "limit"),
        ("limit=ten", "limit"),
        ("limit=1e3", "limit"),
        ("limit=99999999999999999999", "limit"),
        ("sort=age", "sort"),
        ("sort=password_hash", "sort"),
        ("sort=name;DROP TABLE users", "sort"),
        ("cursor=nonsense", "cursor"),
        ("cursor=", "cursor"),
        ("cursor=%00", "cursor"),
        ("cursor=W10", "cursor"),
        ("cursor=WyJhIiwxLDJd", "cursor"),
        ("cursor=WzEsMV0", "cursor"),
        ("cursor=WyJhIiwiYiJd", "cursor"),
        ("cursor=WyJhIix0cnVlXQ", "cursor"),
        ("cursor=WyJhIiwtMV0", "cursor"),
        ("cursor=WyJhIiwxZTk5OV0", "cursor"),
        ("cursor=WyJcdTAwMDAiLDFd", "cursor"),
        ("cursor=WyJcdWQ4MDAiLDFd", "cursor"),
        ("cursor=äöü", "cursor"),
        ("q=%00", "q"),
        ("q=" + "a" * 201, "q"),
    ],
)
def test_a_wrong_parameter_is_named(ada: Person, query: str, field: str) -> None:
    answer = ada.client.get(f"/api/users/?{query}")
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json["errors"]] == [f"#/{field}"]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    query=st.fixed_dictionaries(
        {},
        optional={
            "q": st.text(max_size=20),
            "cursor": st.text(max_size=60),
            "limit": st.one_of(st.integers(-2, 1100).map(str), st.text(max_size=5)),
            "sort": st.one_of(st.sampled_from(["name", "-uid", "id"]), st.text(max_size=8)),
        },
    )
)
def test_no_query_breaks_the_list(ada: Person, query: dict[str, str]) -> None:
    answer = ada.client.get("/api/users/", query_string=query)
    assert answer.status_code in (200, 422)


def test_an_unchanged_answer_is_not_sent_twice(ada: Person, admin: Person) -> None:
    first = ada.client.get("/api/users/")
    etag = first.headers["ETag"]
    again = ada.client.get("/api/users/", headers={"If-None-Match": etag})
    assert again.status_code == 304
    assert again.data == b""
    assert again.headers["X-Total-Count"] == "2"
    admin.client.patch("/api/users/", json={"name": "Renamed"})
    changed = ada.client.get("/api/users/", headers={"If-None-Match": etag})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != etag


def test_answers_are_kept_by_the_own_browser_alone(ada: Person, admin: Person) -> None:
    answer = ada.client.get("/api/users/")
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert {"Cookie", "Origin"} <= set(answer.headers["Vary"].split(", "))
    assert answer.headers["ETag"] != admin.client.get("/api/users/").headers["ETag"]


def test_head_is_get_without_a_body(ada: Person) -> None:
    got, head = ada.client.get("/api/users/"), ada.client.head("/api/users/")
    assert head.status_code == 200
    assert head.data == b""
    assert head.headers["ETag"] == got.headers["ETag"]
    assert head.headers["Content-Length"] == got.headers["Content-Length"]


@pytest.mark.parametrize(
    ("headers", "proxies", "expected"),
    [
        ({"Host": "localhost:8086"}, 0, "http://localhost:8086/api/users/"),
        ({"Host": "127.0.0.1:8286"}, 0, "http://127.0.0.1:8286/api/users/"),
        ({"Host": "[::1]:8086"}, 0, "http://[::1]:8086/api/users/"),
        ({"Host": "[::1]"}, 0, "http://[::1]/api/users/"),
        ({"Host": "evil.test"}, 0, "/api/users/"),
        ({"Host": "evil.test", "X-Forwarded-Proto": "https"}, 0, "/api/users/"),
        ({"Host": "class.test", "X-Forwarded-Proto": "https"}, 1, "https://class.test/api/users/"),
    ],
)
def test_the_next_page_is_a_whole_address_where_it_is_trusted(
    make_app: MakeApp, make_person: MakePerson, headers: dict[str, str], proxies: int, expected: str
) -> None:
    app = make_app(trusted_proxies=proxies)
    ada = make_person("ada", of=app, signed_in=False)
    make_person("eve", of=app, signed_in=False)
    token = ada.sign_in(base_url="http://localhost").headers["Set-Cookie"].partition(";")[0]
    answer = app.test_client(use_cookies=False).get(
        "/api/users/?limit=1", headers=headers | {"Cookie": token}
    )
    target = answer.headers["Link"].partition("<")[2].partition(">")[0]
    assert target.partition("?")[0] == expected
