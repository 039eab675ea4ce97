"""The Budget page.

`page` has the pack and the tabs: `lines` is the grid of budget lines (`grid`, what is entered into it: `drafting`) with the chain
beside it and the proposals of a DIP budget (`proposing`); `points` the opening point value beside the settlement one; `months`
what is used month by month.
"""

from ui.pages.budget.page import BudgetPage

__all__ = ["BudgetPage"]
