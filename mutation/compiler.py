"""The compiler inside the process, with one file replaced, and what each contract uses."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vyper.compiler import compile_from_file_input
from vyper.compiler.input_bundle import FileInput, FilesystemInputBundle
from vyper.compiler.phases import CompilerData
from vyper.compiler.settings import Settings

EVM_VERSION = "cancun"

#: Path of a file and name of a function in it.
Function = tuple[str, str]


class _Bundle(FilesystemInputBundle):
    """The file system, but for some files."""

    def __init__(self, paths: list[Path], replaced: Mapping[Path, str]) -> None:
        super().__init__(paths)
        self._replaced = replaced

    def _load_from_path(self, resolved_path: Path, original_path: Path) -> Any:
        text = self._replaced.get(resolved_path)
        if text is None:
            return super()._load_from_path(resolved_path, original_path)
        number = self._generate_source_id(resolved_path)
        return FileInput(number, original_path, resolved_path, text)


class Compiler:
    """Compiles contracts below `root` with the settings that the project ships them with."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self._paths = [Path(path) for path in sys.path if path and Path(path).is_dir()]

    def bytecode(self, contract: str, replaced: Mapping[str, str] | None = None) -> str:
        """Deployment bytecode of a path as hexadecimal text, without the digest of its sources.

        `replaced` gives other texts for some paths. Errors: the compiler's.
        """
        bundle, file = self._load(contract, replaced or {})
        outputs = compile_from_file_input(
            file,
            input_bundle=bundle,
            settings=Settings(evm_version=EVM_VERSION),
            output_formats=["bytecode"],
            no_bytecode_metadata=True,
        )
        return str(outputs["bytecode"])

    def used(self, contract: str) -> set[Function]:
        """Internal functions that a contract's constructor and external functions reach."""
        bundle, file = self._load(contract, {})
        data = CompilerData(file, input_bundle=bundle, settings=Settings(evm_version=EVM_VERSION))
        module = data.annotated_vyper_module._metadata["type"]
        entries = [*module.exposed_functions]
        if module.init_function is not None:
            entries.append(module.init_function)
        found = {inner for entry in entries for inner in entry.reachable_internal_functions}
        return {self._named(function) for function in [*entries, *found]}

    def _named(self, function: Any) -> Function:
        path = Path(function.decl_node.module_node.resolved_path)
        inside = path.is_relative_to(self.root)
        return (path.relative_to(self.root) if inside else path).as_posix(), str(function.name)

    def _load(self, contract: str, replaced: Mapping[str, str]) -> tuple[_Bundle, Any]:
        files = {(self.root / path).resolve(): text for path, text in replaced.items()}
        bundle = _Bundle([*self._paths, self.root], files)
        return bundle, bundle.load_file(self.root / contract)
