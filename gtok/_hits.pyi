import numpy as np
from numpy.typing import NDArray

def shared(
    offsets: NDArray[np.int64],
    ids: NDArray[np.int32],
    starts: NDArray[np.int32],
    ends: NDArray[np.int32],
    region_starts: NDArray[np.int32],
    region_ends: NDArray[np.int32],
) -> NDArray[np.int32]: ...
def newly_covered(
    offsets: NDArray[np.int64],
    ids: NDArray[np.int32],
    starts: NDArray[np.int32],
    ends: NDArray[np.int32],
    region_starts: NDArray[np.int32],
    region_ends: NDArray[np.int32],
    order: NDArray[np.int32] | None,
) -> NDArray[np.int32]: ...
def keep_enough(
    offsets: NDArray[np.int64],
    ids: NDArray[np.int32],
    starts: NDArray[np.int32],
    ends: NDArray[np.int32],
    region_starts: NDArray[np.int32],
    region_ends: NDArray[np.int32],
    least: int,
    of_query: float,
    of_region: float,
) -> tuple[NDArray[np.int64], NDArray[np.int32]]: ...
