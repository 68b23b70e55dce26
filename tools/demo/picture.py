"""Take the dashboard's picture for README while the demo runs in another terminal."""

from __future__ import annotations

import shutil
from pathlib import Path

import click
from playwright.sync_api import sync_playwright

WAIT_MS = 120_000


@click.command()
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--page", "url", default="http://127.0.0.1:8080/", help="The running demo's page.")
@click.option("--watch", "watch_s", default=45, help="How long to watch first, in s.")
@click.option("--width", default=1100, help="Width of the window in px; 360 is a phone.")
@click.option("--dark", is_flag=True, help="The dark theme.")
def main(out: Path, url: str, watch_s: int, width: int, dark: bool) -> None:
    """Watch for a while, wait until a circuit is shed, then write the page as a PNG to OUT."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(
            viewport={"width": width, "height": 800},
            color_scheme="dark" if dark else "light",
            device_scale_factor=2,
        )
        page.goto(url)
        page.wait_for_timeout(1000 * watch_s)  # so that the charts have something to tell
        page.wait_for_selector('[data-reason^="shed"]', timeout=WAIT_MS)
        page.screenshot(path=out, full_page=True)
        browser.close()


if __name__ == "__main__":
    main()
