"""The kernels of the GPU, compiled for a card that need not be there: numba's simulator knows no types.

`python -m tests.xray.gpu_compiling`, where numba-cuda and NVVM are installed (extra `gpu`). Prints, by kernel, how many
instructions in double precision it has, and whether it keeps arrays outside registers.
"""

import json
import sys

from numba import cuda, types
from numba.cuda import dispatcher

from openigrt.xray import _kernels_cuda as kernels

HOPPER = (9, 0)
WHOLE, TRIPLE = types.int64, types.UniTuple(types.int64, 3)


def numbers(dimensions, kind=types.float32):
    """The type of an array."""
    return types.Array(kind, dimensions, "C")


FLAT, PLANE, BLOCK = (numbers(n) for n in (1, 2, 3))
MATRICES, STEPS = numbers(3, types.float64), numbers(1, types.int64)
SIGNATURES = {
    "clear": (FLAT,),
    "find_no_numbers": (FLAT, numbers(1, types.int32)),
    "lay_out": (FLAT, STEPS, BLOCK),
    "put_back": (BLOCK, STEPS, FLAT),
    "warp": (BLOCK, MATRICES, BLOCK),
    "warp_adjoint": (BLOCK, MATRICES, MATRICES, BLOCK),
    "prepare_rows": (BLOCK, MATRICES, PLANE, FLAT, PLANE, PLANE, FLAT, types.boolean, WHOLE, WHOLE, WHOLE, BLOCK),
    "filter_rows": (BLOCK, FLAT, WHOLE, WHOLE, BLOCK),
    "back_project": (BLOCK, PLANE, WHOLE, WHOLE, BLOCK),
    "project": (FLAT, TRIPLE, BLOCK, PLANE, BLOCK),
    "measure_rays": (BLOCK, BLOCK, PLANE, BLOCK),
    "project_adjoint": (BLOCK, BLOCK, PLANE, PLANE, BLOCK),
}


class Card:
    """What numba asks of a card before it compiles the functions of kernels."""

    compute_capability = HOPPER


def main():
    """Compile all."""
    dispatcher.get_current_device = Card
    found = {}
    for name, signature in SIGNATURES.items():
        ptx, _ = cuda.compile_ptx(getattr(kernels, name).py_func, signature, cc=HOPPER)
        found[name] = {"double": ptx.count(".f64"), "outside_registers": ".local" in ptx}
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
