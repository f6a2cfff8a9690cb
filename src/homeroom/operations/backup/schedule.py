"""Which archives are kept: the newest of each of the last days, weeks and months."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from homeroom.operations.backup.places import StoredArchive

_ALL_KEPT_FOR = timedelta(days=1)
_PERIODS: dict[str, Callable[[datetime], tuple[int, ...]]] = {
    "daily": lambda moment: (moment.year, moment.month, moment.day),
    "weekly": lambda moment: tuple(moment.isocalendar())[:2],
    "monthly": lambda moment: (moment.year, moment.month),
}


def outlived(archives: Sequence[StoredArchive], keep: Mapping[str, int]) -> list[StoredArchive]:
    """The archives that no period needs; none of the newest one's last day, and none where all are kept.

    So a backup by hand before something risky is not deleted by the nightly one after it. A period without
    an archive is passed over: after a summer without backups the old ones are still there.
    """
    if not keep:
        return []
    newest_first = sorted(archives, key=lambda archive: archive.made_at, reverse=True)
    kept = {archive for archive in newest_first if newest_first[0].made_at - archive.made_at < _ALL_KEPT_FOR}
    for name, count in keep.items():
        periods: dict[tuple[int, ...], StoredArchive] = {}
        for archive in newest_first:
            periods.setdefault(_PERIODS[name](archive.made_at), archive)
        kept.update(list(periods.values())[:count])
    return [archive for archive in newest_first if archive not in kept]
