"""The Coefficients page.

`page` chooses set and pack and has the views: `editor` is the grid (`grid`, what is put into it: `entering`) with the history
of a cell (`cell`) and what an edit does to everybody (`whatif`) beside it; `derive`, `scenarios` and `sensitivity` are the
other tabs; `sets` makes, publishes and compares sets.
"""

from ui.pages.coefficients.page import CoefficientsPage

__all__ = ["CoefficientsPage"]
