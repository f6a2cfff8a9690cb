"""Finding hashes of passwords that everybody knows, before they open anything here.

A hash tells nothing but whether one guess was right, and each guess costs what its server chose: 0.2 to
0.8 s of a core. So the guesses are few. Staff are tried with all of them; the others with as many as fit
into a bound, the same for each. What is left is found when its owner signs in (`auth.sessions`).
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from homeroom.auth.models import uid_key
from homeroom.auth.passwords import verify_password
from homeroom.roster.legacy.people import LegacyUser
from homeroom.roster.permissions import is_worth_more_guesses
from homeroom.roster.writing import OnRows

# What servers of this kind set for whoever sent no password. Everyone knows it.
DEFAULT_PASSWORD = "123qwerty"  # noqa: S105  known to all, which is why it is refused
MAX_GUESSES = 1_000


def guesses(user: LegacyUser) -> tuple[str, ...]:
    """What others would try for this user, the likeliest first: the lesson's own ways before the world's."""
    uid = user.uid
    named = (DEFAULT_PASSWORD, f"123{uid}", uid, f"{uid}123")
    return tuple(dict.fromkeys((*named, "password", "12345678", "password1", "qwerty123")))


def find_easy(users: Sequence[LegacyUser], progress: OnRows) -> dict[str, str]:
    """Whose password was guessed, by the key of their ID, and with which guess.

    `users` all have a hash. The staff come first; on each core one is tried at a time.
    """
    staff = [user for user in users if is_worth_more_guesses(user)]
    others = [user for user in users if not is_worth_more_guesses(user)]
    found: dict[str, str] = {}
    rounds = [(user, guesses(user)) for user in staff]
    total = len(staff) + len(others)
    left = MAX_GUESSES - sum(len(tried) for _, tried in rounds)
    # The default password is tried with everybody.
    each = max(1, left // len(others)) if others else 0
    rounds += [(user, guesses(user)[:each]) for user in others]
    # The libraries that hash let other threads run meanwhile.
    with ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="guessing") as pool:
        running = {pool.submit(_first_right, user, tried): user for user, tried in rounds}
        try:
            for done, future in enumerate(as_completed(running), start=1):
                if (guess := future.result()) is not None:
                    found[uid_key(running[future].uid)] = guess
                progress(done, total)
        except BaseException:
            # Whoever breaks off shall not wait for the rest.
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return found


def _first_right(user: LegacyUser, tried: Sequence[str]) -> str | None:
    return next((guess for guess in tried if verify_password(guess, user.password_hash)[0]), None)
