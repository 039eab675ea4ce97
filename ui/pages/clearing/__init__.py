"""The Clearing page.

`page` is the page: `controls` over the worksheet, `figures` of the region, `beside` it `why` a figure is what it is.
`standing` is what it reads, `sheets` turns a clearing into worksheets. The other tabs stand in `tabs`.
"""

from ui.pages.clearing.page import ClearingPage

__all__ = ["ClearingPage"]
