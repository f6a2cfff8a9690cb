"""A telephone's photograph is made smaller by the page before it is sent, and stays upright."""

import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import FilePayload, Page, expect

import homeroom
from homeroom.uploads.encoding import BOUNDS
from homeroom.uploads.renditions import Rendition
from tests.browser.classroom import API, Homeroom, Member

pytestmark = pytest.mark.browser

LIMIT = 5 * 1024 * 1024
UPLOADS = f"{API}/api/uploads/"
KEEP_SENT_FILE = """
const { send } = XMLHttpRequest.prototype;
XMLHttpRequest.prototype.send = function (form) {
  window.sentFile = form.get('file');
  send.call(this, form);
};
"""


@pytest.fixture(scope="module")
def photographer(server: Homeroom) -> Member:
    return server.add_member("photographer", "Phoebe Photographer")


def noise(size: tuple[int, int]) -> Image.Image:
    """What no encoder makes small, with a red corner in what the camera calls the upper left."""
    image = Image.merge("RGB", [Image.effect_noise(size, 90) for _ in range(3)])
    image.paste("red", (0, 0, size[0] // 4, size[1] // 4))
    return image


def photograph() -> bytes:
    """A JPEG of a telephone that was held upright: stored on its side, orientation 6, with its place."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8825)[2] = (37.0, 46.0, 30.0)
    file = io.BytesIO()
    noise((4000, 3000)).save(file, "JPEG", quality=85, exif=exif)
    assert len(file.getvalue()) > LIMIT
    return file.getvalue()


def chosen(name: str, kind: str, content: bytes) -> FilePayload:
    return {"name": name, "mimeType": kind, "buffer": content}


def sent_file(page: Page) -> tuple[str, bytes]:
    """The name and the bytes of the file that a page sent; the driver itself sees no files of forms."""
    name, content = page.evaluate(
        "async () => [sentFile.name, [...new Uint8Array(await sentFile.arrayBuffer())]]"
    )
    return str(name), bytes(content)


def is_red(image: Image.Image, x: float, y: float) -> bool:
    red, green, blue = image.convert("RGB").getpixel((int(image.width * x), int(image.height * y)))
    return red > 180 and green < 80 and blue < 80


def open_editor(page: Page, member: Member, sign_in: Callable[..., None]) -> None:
    page.add_init_script(KEEP_SENT_FILE)
    sign_in(page, member)
    page.goto(f"{API}/project/edit/")
    expect(page.get_by_label("Title")).to_be_focused()


def stored(page: Page, address: str) -> Image.Image:
    return Image.open(io.BytesIO(page.request.get(API + address).body()))


def test_a_photograph_over_the_limit_arrives_small_and_upright(
    page: Page, photographer: Member, sign_in: Callable[..., None]
) -> None:
    open_editor(page, photographer, sign_in)
    with page.expect_response(UPLOADS, timeout=60_000) as answered:
        page.locator("picture-list input[type=file]").set_input_files(
            [chosen("IMG_0001.JPG", "image/jpeg", photograph())]
        )
    expect(page.locator(".shot[data-state=done]")).to_have_count(1)

    assert answered.value.status == 201
    name, content = sent_file(page)
    assert name == "IMG_0001.jpg"
    assert len(content) < LIMIT
    sent = Image.open(io.BytesIO(content))
    assert (sent.format, sent.size) == ("JPEG", (1600, 2133))
    assert not sent.getexif(), "neither orientation nor place leaves the device"
    upload = answered.value.json()
    assert (upload["width"], upload["height"]) == (1600, 2133)
    for kind in ("webp", "original"):
        kept = stored(page, upload["urls"]["page"][kind])
        # Turned to the right, the upper left corner is the upper right one.
        assert is_red(kept, 0.9, 0.1)
        assert not any(is_red(kept, x, y) for x, y in ((0.1, 0.1), (0.1, 0.9), (0.9, 0.9)))


def test_a_portrait_over_the_limit_is_taken(
    server: Homeroom, page: Page, sign_in: Callable[..., None]
) -> None:
    sign_in(page, server.add_member("portrayed", "Pia Portrayed"))
    page.goto(f"{API}/account/")
    page.locator("#picture-file").set_input_files([chosen("me.jpg", "image/jpeg", photograph())])
    expect(page.get_by_text("Picture saved.")).to_be_visible(timeout=60_000)

    avatar = stored(page, page.request.get(f"{API}/api/id").json()["picture"]["original"])
    assert is_red(avatar, 0.9, 0.1)


def test_small_pictures_are_sent_as_they_are(
    page: Page, photographer: Member, sign_in: Callable[..., None]
) -> None:
    file = io.BytesIO()
    noise((600, 400)).save(file, "JPEG")
    open_editor(page, photographer, sign_in)
    with page.expect_response(UPLOADS):
        page.locator("picture-list input[type=file]").set_input_files(
            [chosen("small.jpg", "image/jpeg", file.getvalue())]
        )

    assert sent_file(page) == ("small.jpg", file.getvalue())


def test_a_large_drawing_stays_a_png_and_transparent(
    page: Page, photographer: Member, sign_in: Callable[..., None]
) -> None:
    drawing = Image.new("RGBA", (3000, 2000), (0, 0, 0, 0))
    drawing.paste(noise((1200, 1200)), (100, 100))
    file = io.BytesIO()
    drawing.save(file, "PNG")
    open_editor(page, photographer, sign_in)
    with page.expect_response(UPLOADS, timeout=60_000) as answered:
        page.locator("picture-list input[type=file]").set_input_files(
            [chosen("drawing.png", "image/png", file.getvalue())]
        )

    name, content = sent_file(page)
    sent = Image.open(io.BytesIO(content))
    assert (name, sent.format, sent.size) == ("drawing.png", "PNG", (1600, 1067))
    assert sent.getpixel((1500, 1000))[3] == 0
    assert answered.value.status == 201


def test_heic_that_the_browser_cannot_read_is_refused_with_a_way_on(
    page: Page, photographer: Member, sign_in: Callable[..., None]
) -> None:
    heic = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(6 * 1024 * 1024)
    sent: list[str] = []
    open_editor(page, photographer, sign_in)
    page.on("request", lambda request: sent.append(request.url))
    page.locator("picture-list input[type=file]").set_input_files(
        [chosen("IMG_0002.HEIC", "image/heic", heic)]
    )

    expect(page.locator(".shot[data-state=failed]")).to_contain_text(re.compile("HEIC.*Most Compatible"))
    assert UPLOADS not in sent, "megabytes that cannot be used are not sent"


def test_what_the_browser_cannot_decode_is_left_to_the_server(
    page: Page, photographer: Member, sign_in: Callable[..., None]
) -> None:
    open_editor(page, photographer, sign_in)
    with page.expect_response(UPLOADS, timeout=60_000) as answered:
        page.locator("picture-list input[type=file]").set_input_files(
            [chosen("no.jpg", "image/jpeg", bytes(3 * 1024 * 1024))]
        )

    assert answered.value.status == 415
    expect(page.locator(".shot[data-state=failed]")).to_contain_text("JPEG, PNG, GIF or WebP")


def test_the_page_and_the_server_agree_on_the_largest_size() -> None:
    script = (Path(homeroom.__path__[0]) / "site/assets/js/api/shrink.js").read_text()
    sizes = tuple(
        int(size) for size in re.findall(r"^const MAX_(?:WIDTH|HEIGHT) = (\d+);", script, re.MULTILINE)
    )
    assert sizes == BOUNDS[Rendition.PAGE]
