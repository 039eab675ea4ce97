"""The Packs page.

`page` is the page, `rules` the list of packs with their text, `calculator` the form for one case and `answer` its
result, `fields` what one types codes into.
"""

from ui.pages.packs.page import PacksPage

__all__ = ["PacksPage"]
