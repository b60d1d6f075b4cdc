"""The offline page of a city, photographed by Chromium where that is installed (Debian: apt install chromium)."""

import browser
import common

import twin


def main() -> None:
    """Write ``demo-page.png``."""
    out = common.output_folder()
    city = common.demo_city(out)
    page = city.export(out / "district.html", force=True)
    print(f"{page.stat().st_size / 1e6:6.2f} MB  {page.name}")
    if not browser.photograph(page, out / "demo-page.png", size=common.picture_size()):
        print("Chromium or the package websockets is not installed: this is a snapshot")
        twin.Scene(city).snapshot(out / "demo-page.png", size=common.picture_size())


if __name__ == "__main__":
    main()
