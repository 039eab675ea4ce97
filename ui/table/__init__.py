"""Every table of the window: one model over a worksheet, one view that freezes, sorts, filters, finds, copies, exports.

`rows` and `condition` say which rows show (no Qt), `model` how a cell is written, `heading`, `grid` and `menu`
are what one sees, `copying` is the way out, `widget` puts them together.
"""

from ui.table.rows import Filter
from ui.table.widget import Table

__all__ = ["Filter", "Table"]
