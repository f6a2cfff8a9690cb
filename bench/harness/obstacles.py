"""Why a claim isn't met. The page shows a reason only in that case."""

from collections.abc import Sequence

from harness.claims import Verdict

# By the script, and by how the claim's label begins.
_IN_THE_WAY = {
    ("sign_in", ""): (
        "In addition to its hash, a sign-in is a request through Flask, four counts of attempts and one "
        "durable commit. On two cores that the load generator shares, the hash doesn't get this time."
    ),
    ("sign_in_storm", ""): (
        "A quiet directory answers from memory in a fifth of a millisecond. In a storm, both cores hash, and "
        "forty sign-ins run through Flask in the same workers. A reader waits for a core and for Python's "
        "lock, a few milliseconds in total. Hashes run in processes of their own, of a low priority. The "
        "rest would need other workers for sign-ins, or another core."
    ),
    ("uploads", ""): (
        "Pictures are decoded in processes of their own, at a low priority. On two cores, a reader still "
        "waits for a core, and for Python's lock while a worker receives five megabytes."
    ),
    ("roster_storm", ""): (
        "A roster is one transaction of two thousand people, with words and counts that the database keeps. "
        "It runs in a worker that also answers lists, and takes the core and Python's lock from them."
    ),
    ("operations", "95 lists and 5"): (
        "A change of a name changes the directory. Homeroom then makes each caller's next list again, "
        "because each caller's list is another answer."
    ),
    ("operations", "Read one person"): (
        "This answer isn't kept in memory. A request through Flask, with its guard and its query, takes a "
        "millisecond or two of a core; PocketBase is compiled and takes half a millisecond."
    ),
    ("operations", "List your own sessions"): "See reading one person: the same way through Flask.",
    ("operations", "Read a project"): (
        "See reading one person. A project also reads its tags, pictures and author in a statement each."
    ),
    ("operations", "Change your name"): (
        "See reading one person. A write then waits for its turn and for the disk."
    ),
    ("operations", "Create and delete a project"): (
        "Homeroom turns a text from Markdown into a checked tree when it is saved, and reads the project "
        "once more for its answer. PocketBase stores the text as it comes."
    ),
    ("operations", "Download"): (
        "A picture passes through Flask each time, because only the application knows who may see it."
    ),
    ("durable_writes", ""): (
        "SQLite by itself runs one prepared statement a commit. A write through the service is a request "
        "through Flask that also finds out who asks."
    ),
}


def obstacles(script: str, verdicts: Sequence[Verdict]) -> dict[str, str]:
    """What stands in the way of a script's claims that aren't met, by the label's beginning; each once."""
    short = [verdict.claim.label for verdict in verdicts if verdict.met is False]
    return {
        beginning: text
        for (name, beginning), text in _IN_THE_WAY.items()
        if name == script and any(label.startswith(beginning) for label in short)
    }
