"""The picture of a workflow: its shapes and lines, and texts that stay inside their quotes.

What the real parser of Mermaid makes of such pictures was tried by hand; its grammar is held here
as far as the pictures use it.
"""

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milepost.base.markdown import in_picture
from milepost.base.parse_file import parse_file
from milepost.enrollments.program import END, successors
from milepost.sending.counts import StepCounts, WorkflowCounts
from milepost.workflows.compiler.check_steps import flatten
from milepost.workflows.explain.mermaid import MAX_LINES, MAX_TEXT, draw_flowchart
from milepost.workflows.language.workflow import Workflow
from tests.support import examples
from tests.support.builders import Json, branch, delay, leave, send, wait_for, workflow
from tests.support.examples import EVENT
from tests.support.laws import how_many
from tests.support.random_workflows import workflows

LABEL = r'"(?!")(?:[^"%{}`<>:;|\[\]()#&=\\\n]|#\d+;|<br/>)*"'
BOX = re.compile(
    rf"  (\w+)(?:\[/{LABEL}/\]|\[\[{LABEL}\]\]|\[{LABEL}\]|\(\(\({LABEL}\)\)\)|\(\({LABEL}\)\)"
    rf"|\(\[{LABEL}\]\)|\({LABEL}\)|{{{{{LABEL}}}}}|{{{LABEL}}})"
)
LINE = re.compile(rf"  (\w+) -->(?:\|({LABEL})\|)? (\w+)")
TITLE = re.compile(r'title: "(?:[^\W_]| |\\U[0-9a-f]{8})*"')
HOSTILE = [
    '"]-->x',
    '"] --> x',
    "<script>alert(1)</script>",
    "`",
    "end",
    "#quot;",
    "#35;",
    "a;b",
    "%%{init: {}}%%",
    "\n---\n",
    "click a href",
    "\u202e",
    "|",
    "style a:#fff;",
    "1. x",
    "- x",
    "+ x",
    "$$x$$",
    "fa:fa-car",
    "{{",
    "((",
    "graph TD",
    "subgraph",
    "&lt;",
    "\\",
    "'",
    "a" * 60,
    "\U0001f600",
    "ﬂ°°60¶ß",
    " ",
    "\n",
]
hostile = (st.text(min_size=1, max_size=60) | st.sampled_from(HOSTILE)).map(
    lambda text: text.encode("utf-8", "replace").decode()
)


def read(document: Json) -> Workflow:
    found = parse_file(json.dumps(document), Workflow)
    assert isinstance(found, Workflow), found
    return found


def parsed(picture: str) -> tuple[dict[str, str], list[tuple[str, str, str]]]:
    """The boxes and the lines; every line of the source must be one of these."""
    first, title, fence, kind, *rest = picture.splitlines()
    assert (first, fence, kind) == ("---", "---", "flowchart TD")
    assert TITLE.fullmatch(title)
    boxes, lines = {}, []
    for line in rest:
        if box := BOX.fullmatch(line):
            assert box[1] not in boxes
            boxes[box[1]] = line[2 + len(box[1]) :]
        else:
            between = LINE.fullmatch(line)
            assert between, line
            lines.append((between[1], (between[2] or '""')[1:-1], between[3]))
    assert {end for a, _, b in lines for end in (a, b)} <= set(boxes)
    return boxes, lines


def picture(*steps: Json, **head: Any) -> tuple[dict[str, str], set[tuple[str, str, str]]]:
    """The boxes by the last part of their label (step ids), and the lines between them."""
    boxes, lines = parsed(draw_flowchart(read(workflow(*steps, **head))))
    names = {box: _id(box, shape) for box, shape in boxes.items()}
    shapes = {names[box]: shape for box, shape in boxes.items()}
    return shapes, {(names[a], label, names[b]) for a, label, b in lines}


def _id(box: str, shape: str) -> str:
    inside = shape.split('"')[1]
    return inside.rpartition("<br/>")[2] if "<br/>" in inside and box != "trigger" else box


# --- what is drawn ---


def test_trigger_is_at_the_top_and_end_at_the_bottom() -> None:
    shapes, lines = picture(delay("1 hour", "wait"), send("mail"))
    assert lines == {("trigger", "", "wait"), ("wait", "", "mail"), ("mail", "", "done")}
    assert shapes["trigger"] == '[/"Checkout Started"/]'
    assert shapes["wait"] == '(["Wait 1 hour<br/>wait"])'
    assert shapes["mail"] == '("Send plain<br/>mail")'
    assert shapes["done"] == '(("done"))'


def test_paths_have_labels_and_join_again() -> None:
    shapes, lines = picture(
        branch("b", EVENT, [send("c")]),
        wait_for("w", "E", "1 day", [leave("x", "won")], [send("d")]),
        send("e"),
    )
    assert lines == {
        ("trigger", "", "b"),
        ("b", "yes", "c"),
        ("b", "else", "w"),
        ("c", "", "w"),
        ("w", "on event", "x"),
        ("w", "timeout", "d"),
        ("d", "", "e"),
        ("e", "", "done"),
    }
    assert shapes["b"] == '{"Which path?<br/>b"}'
    assert shapes["x"] == '((("Leave#58; won<br/>x")))'


def test_splits_holdouts_and_gotos_have_labels() -> None:
    paths = [{"name": "a", "weight": 1}, {"name": "b", "weight": 2, "steps": [send("m")]}]
    shapes, lines = picture(
        {"id": "d", "type": "split", "paths": paths},
        {"id": "h", "type": "holdout", "percent": 10},
        delay("1 day", "w"),
        {"id": "g", "type": "goto", "to": "d", "max": 3},
        {"id": "u", "type": "delay_until", "date": "contact.x", "if_missing": "exit"},
        {"id": "c", "type": "webhook", "url": "https://a.example", "on_failure": "exit"},
    )
    assert lines == {
        ("trigger", "", "d"),
        ("d", "33.3#37; a", "h"),
        ("d", "66.7#37; b", "m"),
        ("m", "", "h"),
        ("h", "", "w"),
        ("h", "kept back, 10#37;", "done"),
        ("w", "", "g"),
        ("g", "again, 3 times at most", "d"),
        ("g", "after that", "u"),
        ("u", "", "c"),
        ("u", "no such date", "done"),
        ("c", "", "done"),
        ("c", "fails", "done"),
    }
    assert shapes["h"] == '{{"Keep 10#37; back<br/>h"}}'
    assert shapes["g"] == '[["Go to d<br/>g"]]'


def test_end_is_not_drawn_if_no_path_reaches_it() -> None:
    shapes, _ = picture(leave("x"))
    assert "done" not in shapes


def test_every_step_type_is_drawn() -> None:
    steps = [{**one, "id": f"n{n}"} for n, (one, _) in enumerate(examples.STEPS.values())]
    steps = [{**one, "to": "n0"} if one["type"] == "goto" else one for one in steps]
    shapes, _ = picture(*steps)
    assert {one["id"] for one in steps} <= set(shapes)


@pytest.mark.parametrize("trigger", [one for one, _ in examples.TRIGGERS.values()])
def test_every_trigger_type_is_drawn(trigger: Json) -> None:
    assert len(picture(send("a"), trigger=trigger)[0]["trigger"]) > len('[/""/]')


def test_live_counts_are_shown_in_the_boxes() -> None:
    mail = StepCounts(decided=1300, sent=1200, statuses={"opened": 300, "clicked": 20})
    numbers = WorkflowCounts(entered=1500, statuses={}, steps={"mail": mail})
    drawn = draw_flowchart(read(workflow(send("mail"), send("other"))), numbers)
    parsed(drawn)
    assert "Checkout Started<br/>1,500 entered" in drawn
    assert "Send plain<br/>mail<br/>1,200 sent, 300 opened, 20 clicked" in drawn
    assert '"Send plain<br/>other"' in drawn


@given(workflows())
@settings(max_examples=how_many(100))
def test_lines_match_the_compiled_graph(document: Json) -> None:
    nodes, entry = flatten(read(document).steps)
    expected = {("trigger", entry)}
    for id_, node in nodes.items():
        if node["type"] != "exit":
            expected |= {(id_, name) for name in successors(node)}
    ends = {(a, b.replace(END, "done") if b == END else b) for a, b in expected}
    _, lines = picture(*document["steps"])
    assert {(a, b) for a, _, b in lines} == ends


# --- too large ---


def test_steps_up_to_the_limit_are_drawn() -> None:
    drawn = draw_flowchart(read(workflow(*(send(f"s{n}") for n in range(400)))))
    boxes, lines = parsed(drawn)
    assert len(boxes) == len(lines) + 1 == 402
    assert "large" not in boxes


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_thousand_steps_draw_only_the_first_levels(depth: int) -> None:
    count = 1000
    steps: list[Json] = [send(f"s{n}") for n in range(count - depth)]
    for level in range(depth):
        steps = [branch(f"b{level}", EVENT, steps[: len(steps) // 2], steps[len(steps) // 2 :])]
    drawn = draw_flowchart(read(workflow(*steps)))
    boxes, lines = parsed(drawn)
    assert len(lines) <= MAX_LINES
    assert len(drawn) <= MAX_TEXT
    (said,) = re.findall(r"Too large to draw#58; the first (\d+) of 1,000 steps shown", drawn)
    hidden = sum(int(n) for n in re.findall(r"(\d+) steps? not drawn", drawn))
    assert int(said) + hidden == count
    assert ("done" in boxes) and f"b{depth - 1}" in drawn


def test_goto_to_hidden_step_leads_to_its_placeholder() -> None:
    far = branch("b", EVENT, [send(f"s{n}") for n in range(900)])
    steps = [{"id": "g", "type": "goto", "to": "s899"}, far]
    drawn = draw_flowchart(read(workflow(*steps)))
    boxes, lines = parsed(drawn)
    (jump,) = [b for a, _, b in lines if "Go to" in boxes[a]]
    assert "not drawn" in boxes[jump]


@pytest.mark.parametrize("name", ["😀" * 60, '"' * 60, "a" * 60], ids=["wide", "quotes", "a"])
def test_widest_workflow_fits(name: str) -> None:
    paths = [{"name": f"{n}{name}"[:60], "if": EVENT} for n in range(50)]
    steps = [{"id": f"b{n}", "type": "branch", "paths": paths} for n in range(300)]
    text = json.dumps(workflow(*steps, title=name[:120]))
    drawn = draw_flowchart(Workflow.model_validate(json.loads(text)))
    assert len(parsed(drawn)[1]) <= MAX_LINES
    assert len(drawn) <= MAX_TEXT
    assert "Too large to draw" in drawn


def test_deepest_tree_is_drawn() -> None:
    deep: list[Json] = [send("deepest")]
    for number in range(30):
        deep = [wait_for(f"w{number}", "E", "1 day", deep, [])]
    assert "deepest" in picture(*deep)[0]


# --- hostile texts ---


@given(name=hostile, title=hostile)
@settings(max_examples=how_many(150))
def test_text_stays_inside_its_label(name: str, title: str) -> None:
    def document(name: str, title: str) -> Workflow:
        paths = [{"name": name, "if": EVENT, "steps": [leave("end1", name)]}]
        return Workflow.model_validate(
            workflow(
                {"id": "b", "type": "branch", "paths": paths},
                {"id": "w", "type": "wait_for", "event": name, "timeout": "1 day"},
                {"id": "n", "type": "notify", "message": title},
                {"id": "h", "type": "webhook", "url": title},
                title=title,
                trigger={"type": "event", "event": name},
            )
        )

    boxes, lines = parsed(draw_flowchart(document(name, title)))
    simple_boxes, simple_lines = parsed(draw_flowchart(document("x", "y")))
    assert [*boxes] == [*simple_boxes]
    assert [(a, b) for a, _, b in lines] == [(a, b) for a, _, b in simple_lines]


@given(hostile, st.integers(5, 60))
@settings(max_examples=how_many(150))
def test_label_shows_its_text_unchanged(text: str, most: int) -> None:
    label = in_picture(text, most)
    read_back = re.sub(r"#(\d+);", lambda code: chr(int(code[1])), label)
    read_back = read_back.replace(":\u200bfa", ":fa")
    simple = " ".join(text.split())
    assert len(read_back) <= most
    if simple.isprintable() and len(simple) <= most:
        assert read_back == simple
    assert re.fullmatch(LABEL, f'"{label or "?"}"')


def test_label_never_becomes_an_icon() -> None:
    assert in_picture("fa:fa-car", 30) == "fa#58;#8203;fa-car"


def test_label_is_never_a_markdown_list_or_heading() -> None:
    assert in_picture("1. big", 30) == "1#46; big"
    assert in_picture("- big", 30) == "#45; big"
    assert in_picture("# big", 30) == "#35; big"
    assert in_picture("9.5 and a-b", 30) == "9.5 and a-b"


def test_reserved_mermaid_words_are_safe_as_step_ids() -> None:
    names = ["trigger", "done", "large", "s0", "graph", "style", "click", "default", "subgraph"]
    shapes, lines = picture(*(send(name) for name in names))
    assert len(lines) == len(names) + 1
    assert sum("Send plain" in shape for shape in shapes.values()) >= len(names) - 2
