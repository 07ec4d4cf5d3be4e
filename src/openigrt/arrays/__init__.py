"""Where an array computes: how kernels are compiled, where compiled kernels are kept, how many threads they use."""

from openigrt.arrays.compilation import compiled
from openigrt.arrays.engines import Engine, compiled_for_gpu, require_gpu
from openigrt.arrays.kernel_cache import kernel_folder, kernels_are_cached
from openigrt.arrays.threads import limit_threads, thread_count

__all__ = [
    "Engine",
    "compiled",
    "compiled_for_gpu",
    "kernel_folder",
    "kernels_are_cached",
    "limit_threads",
    "require_gpu",
    "thread_count",
]
