"""A workflow as a picture: a flowchart that GitHub and other readers of Markdown draw (Mermaid).

No text of a file is ever part of the syntax: boxes are numbered, and every label is in quotes,
with entity codes for whatever Mermaid could understand (see `in_picture`).
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from milepost.base.markdown import in_picture, plain, plural, times
from milepost.enrollments.step_flow import flow_of
from milepost.sending.counts import WorkflowCounts
from milepost.workflows.compiler.check_steps import written
from milepost.workflows.language.workflow import Workflow, walk
from milepost.workflows.step_type import Shape
from milepost.workflows.steps import AnyStep, type_of
from milepost.workflows.triggers import type_of_trigger

MAX_LINES = 450
MAX_TEXT = 48_000
"""Mermaid itself draws 500 lines between boxes and 50,000 characters (maxEdges, maxTextSize)."""

_LABEL = 60
_LINE = 30
_STEPS = (1_000_000, 400, 200, 100, 50, 20, 5, 1, 0)
"""How many steps are drawn, if more would be too many."""

_DONE = "done"

_SHAPES: Mapping[Shape, tuple[str, str]] = {
    "box": ("[", "]"),
    "rounded": ("(", ")"),
    "pill": ("([", "])"),
    "diamond": ("{", "}"),
    "hexagon": ("{{", "}}"),
    "circle": ("(((", ")))"),
    "subroutine": ("[[", "]]"),
}
_TRIGGER = ("[/", "/]")
_END = ("((", "))")


def draw_flowchart(workflow: Workflow, live_numbers: WorkflowCounts | None = None) -> str:
    """The flowchart, trigger at the top; with numbers, how many came, and what each mail did.

    Of a workflow that is too large, the first levels, and how much is left out. Every id must be
    one step's alone, and every jump lead to a step (`check_flow`).
    """
    for most in _STEPS:
        picture = _Picture(workflow, most, live_numbers)
        if len(picture.lines) <= MAX_LINES and len(text := picture.text()) <= MAX_TEXT:
            return text
    raise AssertionError("a picture of the trigger alone is small")


class _Jump(NamedTuple):
    """The end of a line that is the box of a step, wherever that will be."""

    step: str


class _Picture:
    """One attempt, with at most so many steps. `lines` are (box, label, box or jump)."""

    def __init__(self, workflow: Workflow, most: int, numbers: WorkflowCounts | None) -> None:
        self.workflow = workflow
        self.numbers = numbers
        self.shown = {step.id for step in islice(_by_level(workflow.steps), most)}
        self.count = sum(1 for _ in walk(workflow.steps))
        self.boxes: list[str] = []
        self.lines: list[tuple[str, str, str | _Jump]] = []
        self.box_of: dict[str, str] = {}
        self.done = False
        label = type_of_trigger(workflow.trigger).label(workflow.trigger)
        self._box("trigger", [label, *self._entered()], _TRIGGER)
        first = self._list(workflow.steps, _DONE)
        self.lines.insert(0, ("trigger", "", first))

    def text(self) -> str:
        lines = [self._line(*line) for line in self.lines]
        if self.done:
            self._box(_DONE, ["done"], _END)
        if len(self.shown) < self.count:
            some = f"the first {len(self.shown):,}" if self.shown else "none"
            said = f"Too large to draw: {some} of {plural(self.count, 'step')} shown"
            self._box("large", [said], _SHAPES["box"])
        title = ["---", f'title: "{_yaml(self.workflow.title)}"', "---"]
        return "\n".join([*title, "flowchart TD", *self.boxes, *lines]) + "\n"

    def _entered(self) -> list[str]:
        return [f"{self.numbers.entered:,} entered"] if self.numbers else []

    def _sent(self, step: AnyStep) -> list[str]:
        found = self.numbers.steps.get(step.id) if self.numbers else None
        if found is None:
            return []
        fates = [
            f"{found.statuses[fate]:,} {fate}"
            for fate in ("opened", "clicked")
            if fate in found.statuses
        ]
        return [", ".join([f"{found.sent:,} sent", *fates])]

    def _list(self, steps: Sequence[AnyStep], after: str) -> str:
        """Add the boxes of a list that goes on at box `after`; answer the box it begins with."""
        drawn = [step for step in steps if step.id in self.shown]
        rest = steps[len(drawn) :]
        boxes = [self._name(step) for step in drawn]
        if rest:
            boxes.append(self._more(rest))
        for step, box, following in zip(drawn, boxes, [*boxes[1:], after], strict=False):
            label = [type_of(step).label(step), step.id, *self._sent(step)]
            self._box(box, label, _SHAPES[type_of(step).shape])
            self._leave(step, box, following)
        if rest:
            self.lines.append((boxes[-1], "", after))
        return boxes[0] if boxes else after

    def _leave(self, step: AnyStep, box: str, after: str) -> None:
        """The lines that lead out of a step, with the lists that it holds."""
        kind, flow = type_of(step), flow_of({"type": step.type})
        lists = [*kind.lists(step)]
        for inner in lists:
            place = len(self.lines)
            self.lines.insert(place, (box, inner.label, self._list(inner.steps, after)))
        if kind.leads_below:
            if not lists:
                self.lines.append((box, "", after))
        elif jump := flow.jump(written(step)):
            most = f"again, {times(jump.max)} at most" if jump.max else ""
            self.lines.append((box, most, _Jump(jump.to)))
            if jump.max:
                self.lines.append((box, "after that", after))
        if label := kind.leaves(step):
            self.lines.append((box, label, _DONE))

    def _name(self, step: AnyStep) -> str:
        return self.box_of.setdefault(step.id, f"s{len(self.box_of)}")

    def _more(self, rest: Sequence[AnyStep]) -> str:
        """One box for all that is left out here; jumps to any of it lead there."""
        hidden = [step.id for _, step in walk(rest)]
        box = f"s{len(self.box_of)}"
        self.box_of.update(dict.fromkeys(hidden, box))
        self._box(box, [f"{plural(len(hidden), 'step')} not drawn"], _SHAPES["box"])
        return box

    def _box(self, box: str, label: Sequence[str], shape: tuple[str, str]) -> None:
        inside = "<br/>".join(in_picture(part, _LABEL) or "?" for part in label)
        self.boxes.append(f'  {box}{shape[0]}"{inside}"{shape[1]}')

    def _line(self, box: str, label: str, to: "str | _Jump") -> str:
        if isinstance(to, _Jump):
            to = self.box_of[to.step]
        self.done = self.done or to == _DONE
        said = f'|"{in_picture(label, _LINE)}"|' if plain(label) else ""
        return f"  {box} -->{said} {to}"


def _by_level(steps: Sequence[AnyStep]) -> Iterator[AnyStep]:
    """The steps level by level from the outside in, each level in reading order."""
    level = list(steps)
    while level:
        yield from level
        level = [
            inner for step in level for held in type_of(step).lists(step) for inner in held.steps
        ]


def _yaml(title: str) -> str:
    """A title inside quotes of YAML: all but letters, digits and spaces as escapes."""
    return "".join(
        sign if sign == " " or sign.isalnum() else f"\\U{ord(sign):08x}" for sign in plain(title)
    )
