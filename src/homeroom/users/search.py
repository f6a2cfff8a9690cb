"""Finding people by the beginnings of their names, of any word of a name, and of their IDs.

docs/decisions/search.md says what a word is, what a search costs, and what was rejected.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    ScalarSelect,
    and_,
    func,
    literal,
    not_,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from homeroom.auth.models import NameWord, User, name_key, uid_key
from homeroom.web.pagination import AnySelect, Order, prefix_of

# A search for several words looks at so many people who have the rarest of them.
MAX_CANDIDATES = 10_000
# The longest words of a search count.
_MAX_WORDS = 8
# The words once more, beside those that a part joins.
_WORDS = aliased(NameWord)


@dataclass(frozen=True)
class Part:
    """Some of the people that a search finds, in an order that an index gives."""

    condition: ColumnElement[bool]
    order: Order
    # Who is in it, as a later part asks that leaves them out.
    members: ColumnElement[bool]
    # Whether the condition needs the words of names beside the users.
    joins_words: bool = False

    def of(self, statement: AnySelect) -> AnySelect:
        """A statement that reads users, for these alone."""
        if self.joins_words:
            statement = statement.add_columns(NameWord.name_from, NameWord.user_id)
            statement = statement.join(NameWord, NameWord.user_id == User.id)
        return statement.where(self.condition)


@dataclass(frozen=True)
class Search:
    """What a search finds: one part after the other, and nobody twice."""

    parts: Sequence[Part]
    # Where each word belongs to very many people, not everybody who has all of them is found.
    is_complete: bool


def search_people(session: Session, q: str, *, by_uid_first: bool, descending: bool) -> Search:
    """Find whose name begins with a text, then whose name has all its words, then whose ID begins with it."""
    words, is_complete = _words(q), True
    begins = prefix_of(User.name_key, words[0] if len(words) == 1 else name_key(q))
    name = Part(begins, Order(User.name_key, User.id, descending), members=begins)
    has_uid = prefix_of(User.uid_key, uid_key(q))
    uid = Part(has_uid, Order(User.uid_key, User.id, descending, unique=True), members=has_uid)
    if len(words) > 1:
        rarest, is_complete = _rarest(session, words)
        has_all = and_(*map(_has, words))
        by_name = [name, Part(and_(User.id.in_(_candidates(rarest)), has_all), name.order, members=has_all)]
    elif words:
        by_name = [name, _later_word(words[0], descending=descending)]
    else:
        by_name = [name]
    return Search(_apart([uid, *by_name] if by_uid_first else [*by_name, uid]), is_complete)


def _words(q: str) -> list[str]:
    """The words of a search, the longest first, without those that another one begins with."""
    words = sorted(set(name_key(q).split()), key=lambda word: (-len(word), word))
    return [
        word
        for place, word in enumerate(words)
        if not any(longer.startswith(word) for longer in words[:place])
    ][:_MAX_WORDS]


def _later_word(word: str, *, descending: bool) -> Part:
    """Who has a name with this word behind its first one, in the order of the name from there on."""
    # Of several such words of one name the first in order counts, or somebody would be found twice. That it
    # is no later than itself is true of it alone; "equal" would make PostgreSQL expect one row, and sort.
    first = NameWord.name_from <= _first_found(word, NameWord.user_id)
    return Part(
        and_(prefix_of(NameWord.name_from, word), first),
        Order(NameWord.name_from, NameWord.user_id, descending),
        members=_first_found(word, User.id).is_not(None),
        joins_words=True,
    )


def _first_found(word: str, owner: InstrumentedAttribute[int]) -> ScalarSelect[str]:
    # A scalar subquery is one look into an index on both databases; EXISTS may become a scan on PostgreSQL.
    found = select(func.min(_WORDS.name_from)).where(
        _WORDS.user_id == owner, prefix_of(_WORDS.name_from, word)
    )
    return found.correlate(owner.class_).scalar_subquery()


def _has(word: str) -> ColumnElement[bool]:
    return or_(prefix_of(User.name_key, word), _first_found(word, User.id).is_not(None))


# Where a word can be found, and whose it is.
_PLACES: Sequence[tuple[InstrumentedAttribute[str], InstrumentedAttribute[int]]] = (
    (User.name_key, User.id),
    (NameWord.name_from, NameWord.user_id),
)


def _rarest(session: Session, words: Sequence[str]) -> tuple[str, bool]:
    """The word that the fewest people have, and whether these are few enough to look at them all."""
    counts = [
        select(func.count()).select_from(
            select(literal(1))
            .where(prefix_of(key, word))
            .order_by(key, owner)
            .limit(MAX_CANDIDATES + 1)
            .subquery()
        )
        for word in words
        for key, owner in _PLACES
    ]
    found = session.execute(select(*(count.scalar_subquery() for count in counts))).one()
    sums = [sum(found[place : place + len(_PLACES)]) for place in range(0, len(found), len(_PLACES))]
    fewest = min(sums)
    return words[sums.index(fewest)], fewest <= MAX_CANDIDATES


def _candidates(word: str) -> CompoundSelect[int]:
    """Who has a word, as far as they are looked at."""
    limited = [
        select(owner.label("id"))
        .where(prefix_of(key, word))
        .order_by(key, owner)
        .limit(MAX_CANDIDATES)
        .subquery()
        for key, owner in _PLACES
    ]
    return union_all(*(select(each.c.id) for each in limited))


def _apart(parts: Sequence[Part]) -> list[Part]:
    """The parts, each without whom an earlier one finds."""
    return [
        replace(part, condition=and_(part.condition, *(not_(before.members) for before in parts[:place])))
        for place, part in enumerate(parts)
    ]
