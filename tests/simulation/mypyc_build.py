"""`python -m tests.simulation.mypyc_build FILE …` compiles FILEs, each beside its source, in the folder that
is to be compiled (compiled.py makes it).
"""

from __future__ import annotations

import sys

from mypyc.build import mypycify
from setuptools import setup

if __name__ == "__main__":
    setup(
        name="simulation",
        packages=[],
        py_modules=[],
        ext_modules=mypycify(
            ["--strict", "--explicit-package-bases", *sys.argv[1:]], opt_level="2", debug_level="0"
        ),
        script_args=["build_ext", "--inplace"],
    )
