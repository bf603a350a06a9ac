"""build_ext with what setuptools leaves out: all cores from the start, and one tree for builds of several kinds."""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools.command.build_ext import build_ext


class ParallelBuild(build_ext):
    """build_ext that compiles `workers` extensions side by side, `testing` among them or not."""

    workers = 1
    testing = False

    def finalize_options(self) -> None:
        """Takes the number of workers, where no --parallel is given."""
        super().finalize_options()
        if self.parallel is None:
            self.parallel = self.workers

    def run(self) -> None:
        """Builds; what an earlier build left for tests is no part of a wheel without them."""
        if not self.testing:
            shutil.rmtree(Path(self.build_lib, "zippy/_core/testing"), ignore_errors=True)
        super().run()

    def copy_extensions_to_source(self) -> None:
        """Copies what was built before, too: another kind of build may lie there."""
        self.force = True
        super().copy_extensions_to_source()
