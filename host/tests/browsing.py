"""What the tests of the page look at it with."""

from pathlib import Path

from playwright.sync_api import Page, ViewportSize

PHONE: ViewportSize = {"width": 375, "height": 812}
DESKTOP: ViewportSize = {"width": 1280, "height": 1000}
_AXE = Path(__file__).parent / "node_modules/axe-core/axe.min.js"


def axe_violations(page: Page) -> list[str]:
    """What axe finds wrong on the page, which must have been opened with `bypass_csp`."""
    if not page.evaluate("'axe' in window"):
        page.add_script_tag(path=_AXE)
    found = page.evaluate("axe.run()")["violations"]
    return [f"{v['id']}: {v['nodes'][0]['html'][:200]}" for v in found]
