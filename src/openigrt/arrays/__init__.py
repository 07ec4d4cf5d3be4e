"""Where an array computes: how kernels are compiled, where compiled kernels are kept, how many threads they use."""

from openigrt.arrays.compilation import compiled
from openigrt.arrays.kernel_cache import kernel_folder, kernels_are_cached
from openigrt.arrays.threads import limit_threads, thread_count

__all__ = ["compiled", "kernel_folder", "kernels_are_cached", "limit_threads", "thread_count"]
