"""Takes the picture of the example website: two viewers, of which one sends the video on."""

from pathlib import Path
from tempfile import TemporaryDirectory

from tests.clients.node import running_chromium, running_script
from tests.clients.picture import picture
from tests.clients.sharing_site import facts_of
from tests.clients.video_site import SECONDS, address, copied_site, tracker_for
from tests.tools import reserved_port

PATIENCE_S = 120.0
SUN = "format=rgba,geq=r=255:g=214:b=150:a='255*clip(45-hypot(X-45,Y-45),0,1)',loop=-1:1"
LAKE = "drawbox=y=250:h=110:color=0x1d3557:thickness=fill,format=yuv420p"
EVENING = f"[0]scale=640:360[sky];[1]{SUN}[sun];[sky][sun]overlay=x=380:y='120+4*t',{LAKE}"


def take_video(file: Path) -> None:
    """Play the example in two pages, and draw both into `file`."""
    with TemporaryDirectory() as place, reserved_port() as website, reserved_port() as port:
        site = copied_site(Path(place), *_evening(Path(place)))
        address(site, port)
        with (
            tracker_for(website, port),
            running_chromium() as chromium,
            running_script(
                "video_pictures.mjs",
                *(chromium, str(site), str(website), str(file)),
                packages=("playwright-core", "webtorrent"),
                patience=PATIENCE_S,
            ) as script,
        ):
            facts_of(script.rest())


def _evening(place: Path) -> tuple[str, ...]:
    """Return the options of ffmpeg for a video of a sun that goes down.

    Its sound is noise at a high rate, so that the video has a size worth sharing.
    """
    sky = place / "sky.png"
    sky.write_bytes(picture())
    return (
        *("-framerate", "10", "-loop", "1", "-i", str(sky)),
        *("-f", "lavfi", "-i", "color=size=90x90:duration=0.1:rate=10"),
        *("-f", "lavfi", "-i", "anoisesrc=sample_rate=48000"),
        *("-filter_complex", EVENING),
        *("-map", "2:a", "-c:a", "libopus", "-b:a", "250k", "-t", str(SECONDS)),
    )
