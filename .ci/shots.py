"""Screenshots of every state of the page in the browser, to be looked at: ``python .ci/browser.py --shots FOLDER``."""

from browser import LEARNED, opened, train_until

SIZES = {"wide": (1300, 900), "phone": (400, 850)}


def shots(browser, url, folder):
    """Screenshots of every state, to be looked at."""
    folder.mkdir(parents=True, exist_ok=True)
    page = browser.new_page(viewport=dict(zip(("width", "height"), SIZES["wide"], strict=True)))
    page.goto(url)
    page.screenshot(path=folder / "loading-wide-light.png")
    page.close()
    for size, (width, height) in SIZES.items():
        for scheme in ("light", "dark"):
            with opened(browser, url, viewport={"width": width, "height": height}, color_scheme=scheme,
                        device_scale_factor=2 if size == "phone" else 1) as page:
                def shot(name, page=page, size=size, scheme=scheme, **options):
                    page.screenshot(path=folder / f"{name}-{size}-{scheme}.png", **options)

                shot("ready")
                page.click("#train")
                page.wait_for_function("/^Step [3-9]\\d/.test(document.getElementById('count').textContent)")
                shot("training")
                page.click("#train")
                train_until(page, LEARNED)
                shot("trained")
                shot("trained-whole", full_page=True)
                page.click("#take-a")
                for phase in ("forward", "backward", "update", "step"):
                    page.click("#next")
                    page.wait_for_selector(f"#phases [data-phase={phase}][aria-current]")
                page.locator("#by-hand").scroll_into_view_if_needed()
                page.locator(".hand").screenshot(path=folder / f"hand-{size}-{scheme}.png")
            with opened(browser, url, "#data=digits&activation=relu&lr=0.03&steps=300&b=N(0,1)",
                        viewport={"width": width, "height": height}, color_scheme=scheme) as page:
                page.screenshot(path=folder / f"digits-{size}-{scheme}.png", full_page=True)
