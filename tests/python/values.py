"""What tests/mpi/write_types stored; that program's head says so too."""
import numpy as np

from shard import SIZES

RANKS = 4
LARGE = 3 * 1048576 + 5
NUMPY = {"BOOL": np.bool_, "U8": np.uint8, "I8": np.int8, "U16": np.uint16,
         "I16": np.int16, "U32": np.uint32, "I32": np.int32, "U64": np.uint64,
         "I64": np.int64, "F16": np.float16, "F32": np.float32,
         "F64": np.float64}
# numpy has no such types: their bits are compared instead.
NOT_IN_NUMPY = [name for name in SIZES if name not in NUMPY]
BITS = {1: np.uint8, 2: np.uint16}


def pattern(dtype, k):
    """The values, or for types that C has not, the bits of the numbers k."""
    k = np.asarray(k) % 100
    if dtype == "BOOL":
        return (k % 2).astype(np.bool_)
    if dtype in ("F32", "F64"):
        return (k + 0.25).astype(NUMPY[dtype])
    if dtype == "F16":
        return k.astype(np.uint16).view(np.float16)
    if dtype in NOT_IN_NUMPY:
        return k.astype(BITS[SIZES[dtype]])
    return k.astype(NUMPY[dtype])


def array(dtype):
    """The global array "a_DTYPE"."""
    return pattern(dtype, np.arange(70).reshape(7, 10))


def cube():
    return np.arange(60.0).reshape(5, 4, 3) + 0.25


def even():
    return (np.arange(1200000) + 0.25).reshape(12000, 100)


def small():
    return (3 * np.arange(6) - 5).astype(np.int32)


def owned():
    return (7 * np.arange(12)).astype(np.int16)


def private(dtype, rank):
    """The private region "p_DTYPE" of a rank."""
    return pattern(dtype, np.arange(50 + 7 * rank) + 5 * rank)
