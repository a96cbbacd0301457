"""The files of stores in memory."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class MemoryFiles:
    """Implements `StoreFiles`. `texts` maps a store and a path to the text of the file."""

    texts: dict[tuple[str, str], str] = field(default_factory=dict)

    def read(self, store: str, path: str) -> str | None:
        return self.texts.get((store, path))

    def folder(self, store: str, path: str) -> dict[str, str]:
        files = {file.removeprefix(f"{path}/"): file for file in self.paths(store, path)}
        return {name: self.texts[store, file] for name, file in files.items() if "/" not in name}

    def paths(self, store: str, folder: str) -> list[str]:
        return sorted(
            path for owner, path in self.texts if owner == store and path.startswith(f"{folder}/")
        )

    def write(self, store: str, path: str, text: str) -> None:
        self.texts[store, path] = text

    def remove(self, store: str, path: str) -> None:
        """Delete a file, as a user would."""
        del self.texts[store, path]
