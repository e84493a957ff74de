import numpy as np
from numpy.typing import NDArray

def genome_order(
    codes: NDArray[np.int32], starts: NDArray[np.int32], ends: NDArray[np.int32]
) -> NDArray[np.int32] | None: ...
def laid_out(
    codes: NDArray[np.int32],
    starts: NDArray[np.int32],
    ends: NDArray[np.int32],
    order: NDArray[np.int32] | None,
    n_chroms: int,
) -> tuple[NDArray[np.int64], NDArray[np.int32]]: ...
def repeats(
    codes: NDArray[np.int32],
    starts: NDArray[np.int32],
    ends: NDArray[np.int32],
    order: NDArray[np.int32] | None,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]: ...
def merge(
    codes: NDArray[np.int32],
    starts: NDArray[np.int32],
    ends: NDArray[np.int32],
    order: NDArray[np.int32] | None,
    max_gap: int,
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]: ...
