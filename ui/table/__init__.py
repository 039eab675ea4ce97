"""Every table of the window: one model over a worksheet, one view that freezes, sorts, filters, finds, copies, exports.

`rows` and `condition` say what a filter lets through and what sorts before what (no Qt), `arrangement` which rows show;
`model` says how a cell is written; `heading`, `grid`, `foot` and `nothing` are what one sees, `finding`, `condition_field`,
`menu` and `menus` what one asks with; `selection` is where one stands, `kept_columns` what is remembered, `copying` and
`exporting` are the ways out. `widget` joins them.
"""

from ui.table.rows import Filter
from ui.table.widget import Table

__all__ = ["Filter", "Table"]
