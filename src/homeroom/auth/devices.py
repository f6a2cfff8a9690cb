"""A device in words that its owner recognises, from what its browser says of itself."""

from homeroom.translations.messages import Message, joined, message

_UNKNOWN = message("A browser")
# The first word that is found counts: Edge and Opera also call themselves Chrome, Chrome also Safari.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
    ("python-requests/", message("A Python program")),
)
_SYSTEMS = (
    ("Windows", "Windows"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def describe_device(user_agent: str) -> Message:
    """Like `Chrome on Windows`; what is not known is said to be so."""
    browser = next((name for word, name in _BROWSERS if word in user_agent), _UNKNOWN)
    system = next((name for word, name in _SYSTEMS if word in user_agent), None)
    if system is None:
        return joined([browser])
    return message("{browser} on {system}", browser=browser, system=system)
