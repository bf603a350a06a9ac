"""build_ext with what setuptools leaves out: all cores, objects that are kept, and one tree for builds of several kinds."""

from __future__ import annotations

import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from setuptools import Extension
from setuptools.command.build_ext import build_ext
from setuptools.modified import newer_group

from building.kinds import BUILD
from building.linked import Linked


class ParallelBuild(build_ext):
    """build_ext that compiles `workers` parts of an extension side by side, `testing` among them or not."""

    workers = 1
    testing = False

    def finalize_options(self) -> None:
        """Has the same folder for objects whoever asks: an editable install would take one that goes with it."""
        super().finalize_options()
        self.build_temp = f"{BUILD}/temp.{self.plat_name}-{sys.implementation.cache_tag}"

    def run(self) -> None:
        """Builds; what an earlier build left is no part of a wheel: the package for tests, and a shared object of each module."""
        if not self.testing:
            shutil.rmtree(Path(self.build_lib, "zippy/_core/testing"), ignore_errors=True)
        super().run()
        self.remove_others(self.build_lib)

    def build_extension(self, ext: Linked) -> None:
        """Compiles, the largest first, what is newer than its object, and links."""
        order = sorted(ext.parts, key=lambda part: -Path(part.sources[0].replace("_checked.c", ".c")).stat().st_size)
        with ThreadPoolExecutor(self.parallel or self.workers) as pool:
            objects = sorted(pool.map(self.compile_part, order))
        path = self.get_ext_fullpath(ext.name)
        if self.force or newer_group(objects, path):
            self.compiler.link_shared_object(
                objects, path, libraries=self.get_libraries(ext), extra_postargs=ext.extra_link_args, build_temp=self.build_temp
            )

    def compile_part(self, part: Extension) -> str:
        """Compiles a part if its object is older; the object's path."""
        (built,) = self.compiler.object_filenames(part.sources, output_dir=self.build_temp)
        if self.force or newer_group([*part.sources, *part.depends], built):
            self.compiler.compile(
                part.sources, output_dir=self.build_temp, macros=part.define_macros, extra_postargs=part.extra_compile_args
            )
        return built

    def copy_extensions_to_source(self) -> None:
        """Copies what was built before, too: another kind of build may lie there."""
        self.force = True
        super().copy_extensions_to_source()
        self.remove_others(".")

    def remove_others(self, folder: str) -> None:
        """Removes other shared objects from a folder's core: they would be imported in the place of the modules that are linked."""
        kept = {Path(self.get_ext_filename(ext.name)).name.partition(".")[0] for ext in self.extensions}
        for path in Path(folder, "zippy/_core").rglob("*.so"):
            if path.name.partition(".")[0] not in kept:
                path.unlink()
