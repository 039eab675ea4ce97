"""Small multiples of a comparison: a drawing for each indicator, a bar for each institution, its level and the region."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from core.money import plain
from ui.chart import Chart, Panel, Series, prepare
from ui.desk import Desk
from ui.look import GAP, grouped, set_role
from ui.pages.comparison.views import Shown, View, mean_places
from ui.tabs import TabRow

if TYPE_CHECKING:
    from core.analysis.comparison import Comparison

# Which indicators are drawn together, in the order of the tabs; what no one names comes with the last.
SECTIONS: dict[str, tuple[str, ...]] = {
    "brief": ("cases", "cmi", "mean_cost", "mean_stay", "burden_share", "cost_index", "time_index", "readmission_30",
              "surgery_share"),
    "cost": ("mean_cost", "cost_index", "mean_stay", "burden", "burden_share", "self_pay_share", "own_expense_share",
             "drug_share", "consumable_share"),
    "volume": ("cases", "score", "score_growth", "base_score", "cmi", "visits_per_person", "cv_low", "cv_high"),
    "structure": ("grouped_rate", "ungrouped_share", "core_share", "composite_share", "primary_care_share", "deviating_share",
                  "high_share", "low_share", "special_share"),
    "quality": ("readmission_14", "readmission_30", "surgery_share", "surgery_4_share", "time_index", "accuracy",
                "settlement_ratio", "fund_payment_rate"),
}  # fmt: skip
LINE, AROUND = 24, 82  # pixels of a bar, and of what stands around the bars of a drawing
COLUMNS = 3


class ChartsView(View):
    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        texts = self.texts
        self.shown: Shown | None = None
        self.sections = TabRow(texts("comparison.sections"), {key: texts(f"comparison.section.{key}") for key in SECTIONS})
        self.sections.currentChanged.connect(lambda _: self._draw())
        self.lacking = QLabel(wordWrap=True)
        set_role(self.lacking, "muted")
        self.chart = Chart(desk)
        inside = QWidget()
        box = QVBoxLayout(inside)
        box.setContentsMargins(0, 0, GAP, 0)
        box.setSpacing(GAP)
        box.addWidget(self.chart)
        box.addWidget(self.lacking)
        box.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidget(inside)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        inside.setAutoFillBackground(False)
        scroll.viewport().setAutoFillBackground(False)
        line = QHBoxLayout()
        line.addWidget(self.sections)
        line.addStretch(1)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addLayout(line)
        outer.addWidget(scroll, 1)
        self.setFocusProxy(self.sections)

    def put(self, shown: Shown) -> None:
        self.shown = shown
        self.desk.ask(
            lambda _, __: prepare(), lambda _: self._draw(), place="comparison.charts", title=self.texts("comparison.drawing")
        )

    def _draw(self) -> None:
        if self.shown is None:
            return
        found, texts = self.shown.comparison, self.texts
        key = tuple(SECTIONS)[self.sections.currentIndex()]
        wanted = [id for id in SECTIONS[key] if id in found.ids]
        if key == tuple(SECTIONS)[-1]:
            known = {id for ids in SECTIONS.values() for id in ids}
            wanted += [id for id in found.ids if id not in known]
        told = [id for id in wanted if any(found.value(id, code) is not None for code in found.codes)]
        panels = panels_of(found, told, texts, self.desk.wan)
        rows = -(-len(panels) // COLUMNS)
        self.chart.setVisible(bool(panels))
        self.chart.show_panels([])  # another height would draw the old ones once more
        self.chart.setFixedHeight(max(1, rows) * (AROUND + LINE * (len(found.codes) + len(found.beyond))))
        self.chart.name = f"{texts('comparison.file', year=found.year)} {texts(f'comparison.section.{key}')}"
        self.chart.show_panels(panels, columns=COLUMNS)
        empty = [texts(f"indicators.{id}.title") for id in wanted if id not in told]
        self.lacking.setText(texts("comparison.not_drawn", names=texts.listed(empty)) if empty else "")
        self.lacking.setVisible(bool(empty))


def panels_of(found: Comparison, ids: Sequence[str], texts: Any, wan: bool) -> list[Panel]:
    from core.analysis.indicators import INDICATORS

    keys = (*found.codes, *found.beyond)
    names = [one.name for one in found.institutions] + [texts(f"comparison.side.{key}") for key in found.beyond]
    cases = [int(found.side(key).cases.sum()) for key in keys]
    whole = sum(one.cases for one in found.institutions)
    made: list[Panel] = []
    for id in ids:
        own = INDICATORS[id]
        in_wan = wan and own.unit == "yuan"
        values = [found.value(id, key) for key in keys]
        if in_wan:
            values = [None if value is None else value / 10_000 for value in values]
        places = 4 if in_wan else own.places
        unit = "wan" if in_wan else own.unit
        title = texts(f"indicators.{id}.title")
        made.append(
            Panel(
                title, texts(f"unit.{unit}") if unit else "", texts("comparison.year", year=found.year), whole,
                [
                    Series(
                        title, [None if value is None else float(value) for value in values], form="bar", cases=cases,
                        texts=[
                            "" if value is None
                            else grouped(plain(value, mean_places(found, id) if key in found.beyond and not in_wan else places))
                            for key, value in zip(keys, values, strict=True)
                        ],
                    )
                ],
                x=names, places=places, lying=True,
            )
        )  # fmt: skip
    return made
