"""The Clearing page.

`page` is the page, `sheets` turns a clearing into worksheets, `figures` shows the region's figures, `why` explains.
"""

from ui.pages.clearing.page import ClearingPage

__all__ = ["ClearingPage"]
