"""The Catalogue page.

`page` is the page with its tabs: `browser` finds and filters groups and shows one of them by `group`; `versions` holds two
versions side by side, `agreement` the own grouping against the official one, `scores` derives the next catalogue.
"""

from ui.pages.catalogue.page import CataloguePage

__all__ = ["CataloguePage"]
