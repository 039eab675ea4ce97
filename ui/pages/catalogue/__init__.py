"""The Catalogue page.

`page` is the page with its tabs: `browser` finds and filters groups and shows one of them by `group`.
"""

from ui.pages.catalogue.page import CataloguePage

__all__ = ["CataloguePage"]
