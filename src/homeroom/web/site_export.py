"""The site as a folder of files, for a web server that knows nothing else."""

from pathlib import Path

from homeroom.web.site_policy import policy_in_page
from homeroom.web.site_scripts import API_CONFIG, fill_config
from homeroom.web.site_templates import NOT_FOUND, SitePages, is_for_browsers
from homeroom.web.site_texts import DEFAULT_LANGUAGE


def export_site(
    folder: Path,
    *,
    api: str,
    base: str = "",
    language: str = DEFAULT_LANGUAGE,
    pages: SitePages | None = None,
) -> None:
    """Write the site into a folder, ready for a web server of files, like GitHub Pages.

    Files of the same name are overwritten, others are left alone.

    Args:
        api: origin of the API; the pages may talk to it, and to nobody else.
        base: path below which the folder will be served, like `/repo`; empty for the root.
        language: the language of all pages; without a server there is none to choose.
    """
    pages = pages or SitePages()
    for source in pages.folder.rglob("*"):
        # Pages follow below.
        path = source.relative_to(pages.folder)
        if source.is_file() and is_for_browsers(path):
            _write(folder / path, source.read_bytes())
    config = folder / API_CONFIG
    _write(config, fill_config(config.read_text(encoding="utf-8"), api).encode())
    # Jekyll would leave out what begins with an underscore, and takes its time.
    (folder / ".nojekyll").touch()
    policy = policy_in_page([api])
    for name in pages.names():
        page = pages.render(name, policy=policy, language=language)
        _write(folder / name / "index.html", page.encode())
    # It answers at any depth, so its addresses begin at the root.
    page = pages.render(NOT_FOUND, root=f"{base}/", policy=policy, language=language)
    _write(folder / f"{NOT_FOUND}.html", page.encode())


def _write(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
