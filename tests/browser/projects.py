"""Projects and pictures for the browser tests: made quickly, by the API, as the signed-in person."""

import io
import math
from typing import Any

from PIL import Image, ImageDraw
from playwright.sync_api import FilePayload, Page

from tests.browser.classroom import API

BODY = """Wind and **temperature**, minute by minute.

## How it works

- a thermometer
- paper cups

```
print(read_sensor())
```
"""


# What is wider than a phone, and what runs the other way.
AWKWARD = f"""{BODY}
```
{"for every_single_reading in the_whole_list_of_all_readings: " * 4}
```

| {" | ".join(f"Reading {n}" for n in range(12))} |
|{"---|" * 12}
| {" | ".join("Thermometer" for _ in range(12))} |

{"Donaudampfschifffahrtsgesellschaft" * 6}

هذا نص عن القمر (Moon) و 2026.

- نص قصير

月亮和天气站的一个很长的句子，没有空格也没有标点的文字会不会换行呢。
"""


def picture(color: str = "seagreen", size: tuple[int, int] = (900, 600)) -> bytes:
    """A picture of one colour, as a camera's file would come."""
    file = io.BytesIO()
    Image.new("RGB", size, color).save(file, "PNG")
    return file.getvalue()


def landscape(number: int) -> bytes:
    """Hills under a sun, other ones for each number: pictures for the documentation's pages."""
    width, height = 960, 640
    image = Image.new("RGB", (width, height), f"hsl({number * 67 % 360}, 55%, 80%)")
    draw = ImageDraw.Draw(image)
    sun = width * (0.2 + number * 0.37 % 0.6)
    draw.ellipse((sun - 60, 90, sun + 60, 210), fill="#fff4d6")
    for hill in range(4):
        horizon = height * (0.45 + 0.14 * hill)
        ridge = [
            (x, horizon + 40 * math.sin(x / (140 + 25 * hill) + number + 2 * hill))
            for x in range(0, width + 8, 8)
        ]
        color = f"hsl({(number * 67 + 150) % 360}, {25 + 8 * hill}%, {58 - 13 * hill}%)"
        draw.polygon([(0, height), *ridge, (width, height)], fill=color)
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def picture_file(name: str, content: bytes | None = None) -> FilePayload:
    """A picture as it is chosen from a disk."""
    return {"name": name, "mimeType": "image/png", "buffer": content or picture()}


def send_picture(page: Page, content: bytes | None = None) -> int:
    """The number of a picture that was just uploaded."""
    sent = page.request.post(f"{API}/api/uploads/", multipart={"file": picture_file("cover.png", content)})
    assert sent.status == 201, sent.text()
    return int(sent.json()["id"])


def make_project(page: Page, **fields: Any) -> dict[str, Any]:
    """A project of whoever is signed in in this page; its picture too, unless `pictures` says otherwise."""
    if "pictures" not in fields:
        fields["pictures"] = [{"id": send_picture(page), "alt": "A green roof"}]
    described = {
        "title": "A weather station",
        "summary": "What the wind does.",
        "body": BODY,
        "visibility": "public",
        "tags": ["sensors", "python"],
        "links": [{"label": "Source", "url": "https://example.org/source"}],
    }
    made = page.request.post(f"{API}/api/projects/", data=described | fields)
    assert made.status == 201, made.text()
    answer: dict[str, Any] = made.json()
    return answer
