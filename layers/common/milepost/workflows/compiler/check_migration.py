"""May those inside move to a new version? Each wait of an older one needs its place in it."""

from collections.abc import Iterator, Sequence

from milepost.base.problems import Problem, did_you_mean
from milepost.enrollments.program import Program
from milepost.enrollments.step_flow import is_wait
from milepost.enrollments.version_migration import map_step, on_publish, renamed_steps


def check_migration(new: Program, older: Sequence[Program]) -> Iterator[Problem]:
    """What stands against moving those inside of these versions, newest first, to the new one."""
    if on_publish(new) != "migrate" or not older:
        return
    places = [name for name, node in new.nodes.items() if is_wait(node)]
    said = set()
    for number, program in enumerate(older):
        later = [*reversed(older[:number]), new]
        for name, node in program.nodes.items():
            target = map_step(name, later)
            if not is_wait(node) or target in places or (name, target) in said:
                continue
            said.add((name, target))
            reason = f'people may wait at "{name}" of version {program.version}, '
            if target in new.nodes:
                reason += f'and "{target}" is no wait'
            else:
                reason += f'and there is no step "{target}"'
            remedy = (
                f'keep it, or say where they go on: "renamed_steps": {{"{name}": "..."}}; '
                + did_you_mean(target, places)
            )
            yield Problem("active_enrollments.renamed_steps", reason, remedy.removesuffix("; "))
    known = {name for program in older for name in program.nodes}
    for name in renamed_steps(new):
        if name not in known:
            reason = f'no version that people may be in has a step "{name}"'
            yield Problem(
                f"active_enrollments.renamed_steps.{name}",
                reason,
                did_you_mean(name, sorted(known)),
            )
        elif not any(name in p.nodes and is_wait(p.nodes[name]) for p in older):
            reason = f'"{name}" is no wait, and only waits can go on under another id'
            remedy = "keep its id: what it came to, and the mail it sent, are known by that"
            yield Problem(f"active_enrollments.renamed_steps.{name}", reason, remedy)
