import numpy as np
from numpy.typing import NDArray

def sum_rows(
    ids: NDArray[np.int32],
    offsets: NDArray[np.int64],
    n_columns: int,
    values: NDArray[np.float32] | None = None,
    largest: bool = False,
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]: ...
