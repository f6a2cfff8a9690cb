"""The site as a folder of files, for a web server that knows nothing else."""

from pathlib import Path

from homeroom.web.site_policy import policy_in_page
from homeroom.web.site_scripts import API_CONFIG, fill_config
from homeroom.web.site_templates import NOT_FOUND, SitePages


def export_site(folder: Path, *, api: str, base: str = "", pages: SitePages | None = None) -> None:
    """Write the site into a folder, ready for a web server of files, like GitHub Pages.

    Files of the same name are overwritten, others are left alone.

    Args:
        api: origin of the API; the pages may talk to it, and to nobody else.
        base: path below which the folder will be served, like `/repo`; empty for the root.
    """
    pages = pages or SitePages()
    for source in pages.folder.rglob("*"):
        # Templates are for no browser; rendered, they follow below.
        if source.is_file() and source.suffix != ".html":
            _write(folder / source.relative_to(pages.folder), source.read_bytes())
    config = folder / API_CONFIG
    _write(config, fill_config(config.read_text(encoding="utf-8"), api).encode())
    # Jekyll would leave out what begins with an underscore, and takes its time.
    (folder / ".nojekyll").touch()
    policy = policy_in_page([api])
    for name in pages.names():
        _write(folder / name / "index.html", pages.render(name, policy=policy).encode())
    # It answers at any depth, so its addresses begin at the root.
    _write(folder / f"{NOT_FOUND}.html", pages.render(NOT_FOUND, root=f"{base}/", policy=policy).encode())


def _write(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
