"""Draws a workflow as a Mermaid flowchart, which GitHub and other Markdown viewers show.

Texts of a file never become syntax: boxes are numbered, and labels are quoted, with entity codes
for every character that Mermaid could interpret (see `in_picture`).
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from milepost.base.markdown import in_picture, plain, plural, times
from milepost.enrollments.program import flow_of
from milepost.sending.counts import WorkflowCounts
from milepost.workflows.compiler.check_steps import written
from milepost.workflows.language.workflow import Workflow, walk
from milepost.workflows.step_type import Shape
from milepost.workflows.steps import AnyStep, type_of
from milepost.workflows.triggers import type_of_trigger

MAX_LINES = 450
MAX_TEXT = 48_000
"""Mermaid draws at most 500 lines and 50,000 characters (maxEdges, maxTextSize)."""

_LABEL = 60
_LINE = 30
_STEPS = (1_000_000, 400, 200, 100, 50, 20, 5, 1, 0)
"""The numbers of steps to try, until the picture is small enough."""

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
    """The flowchart, with the trigger at the top, and optionally with live counts.

    A workflow that is too large shows its first levels and the number of hidden steps.
    `check_flow` must have found nothing.
    """
    for most in _STEPS:
        picture = _Picture(workflow, most, live_numbers)
        if len(picture.lines) <= MAX_LINES and len(text := picture.text()) <= MAX_TEXT:
            return text
    raise AssertionError("the picture of the trigger alone is small enough")


class _Jump(NamedTuple):
    """A line's end at a step whose box is not known yet."""

    step: str


class _Picture:
    """One picture with at most `most` steps. `lines` are (box, label, box or jump)."""

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
            label = f"Too large to draw: {some} of {plural(self.count, 'step')} shown"
            self._box("large", [label], _SHAPES["box"])
        title = ["---", f'title: "{_yaml(self.workflow.title)}"', "---"]
        return "\n".join([*title, "flowchart TD", *self.boxes, *lines]) + "\n"

    def _entered(self) -> list[str]:
        return [f"{self.numbers.entered:,} entered"] if self.numbers else []

    def _sent(self, step: AnyStep) -> list[str]:
        found = self.numbers.steps.get(step.id) if self.numbers else None
        if found is None:
            return []
        statuses = [
            f"{found.statuses[status]:,} {status}"
            for status in ("opened", "clicked")
            if status in found.statuses
        ]
        return [", ".join([f"{found.sent:,} sent", *statuses])]

    def _list(self, steps: Sequence[AnyStep], after: str) -> str:
        """Add the boxes of a list that continues at box `after`; returns the first box."""
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
        """Add the lines that lead out of a step, and its inner lists."""
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
        """One box for hidden steps; gotos to any of them lead there."""
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
        text = f'|"{in_picture(label, _LINE)}"|' if plain(label) else ""
        return f"  {box} -->{text} {to}"


def _by_level(steps: Sequence[AnyStep]) -> Iterator[AnyStep]:
    """The steps level by level from the outside, each level in reading order."""
    level = list(steps)
    while level:
        yield from level
        level = [
            inner for step in level for held in type_of(step).lists(step) for inner in held.steps
        ]


def _yaml(title: str) -> str:
    """A title for YAML quotes: all but letters, digits and spaces is escaped."""
    return "".join(
        sign if sign == " " or sign.isalnum() else f"\\U{ord(sign):08x}" for sign in plain(title)
    )
