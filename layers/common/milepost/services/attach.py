"""The files of one mail, all of them or the reason why there is no mail."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from milepost.domain.attachments import MOST_BYTES, File, file_of, path_for

if TYPE_CHECKING:
    from milepost.ports.sending import Attachments


def gather(
    attachments: "Attachments", store: str, paths: Iterable[str], event: Mapping[str, Any]
) -> tuple[File, ...] | str:
    """Read what a step attaches. A reason names the file as its author wrote it, without values."""
    files: list[File] = []
    left = MOST_BYTES
    for written in paths:
        path = path_for(written, event)
        if path is None:
            return f'"{written}" cannot be filled in: the event has no such name of a file'
        content = attachments.read(store, path, MOST_BYTES + 1)
        if content is None:
            return f'there is no file "attachments/{written}"'
        file = file_of(path, content)
        if isinstance(file, str):
            return f'"{written}" {file}'
        left -= len(content)
        if left < 0:
            return f"the files are larger than {MOST_BYTES // 1024 // 1024} MB together"
        files.append(file)
    return tuple(files)
