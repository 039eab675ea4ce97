"""The pages, strangers to each other.

A page is a QWidget made with the desk: `XPage(desk)`. It has
    key                       the name below, under which its words are (`pages.KEY.title`)
    refresh(changes=None)     called when it is shown and something changed since (`ui.desk.Changes`; None: the first time)
and may have
    handlers()                {action id of ui.actions: what to call}, for the actions declared with its `page`
    show_target(target)       what `Desk.go(key, target)` asked for, called after `refresh`
It is made on its first visit and made anew in another language. Data come through `desk.ask`, changes go through `desk.change`.
"""

from __future__ import annotations

# (key, module, class), in the order of the rail. Modules are imported on the first visit.
PAGES = (
    ("start", "ui.pages.start", "StartPage"),
    ("data", "ui.pages.data", "DataPage"),
    ("catalogue", "ui.pages.catalogue", "CataloguePage"),
    ("institutions", "ui.pages.institutions", "InstitutionsPage"),
    ("comparison", "ui.pages.comparison", "ComparisonPage"),
    ("coefficients", "ui.pages.coefficients", "CoefficientsPage"),
    ("budget", "ui.pages.budget", "BudgetPage"),
    ("assessment", "ui.pages.assessment", "AssessmentPage"),
    ("clearing", "ui.pages.clearing", "ClearingPage"),
    ("packs", "ui.pages.packs", "PacksPage"),
    ("ledger", "ui.pages.ledger", "LedgerPage"),
)
KEYS = tuple(key for key, _, _ in PAGES)
