from typing import NoReturn, Self, final

import numpy as np
from numpy.typing import NDArray

@final
class FragmentCounter:
    def __new__(cls, counting: int, starts: NDArray[np.int32], ends: NDArray[np.int32]) -> Self: ...
    def __reduce__(self) -> NoReturn: ...
    def expect_cells(self, n_cells: int) -> None: ...
    def add(
        self,
        cells: NDArray[np.int32],
        starts: NDArray[np.int32],
        ends: NDArray[np.int32],
        supports: NDArray[np.int32],
        offsets: NDArray[np.int64],
        ids: NDArray[np.int32],
        flags: NDArray[np.uint8],
    ) -> None: ...
    def count_sites(
        self,
        cells: NDArray[np.int32],
        at: NDArray[np.int64],
        beside: NDArray[np.int64],
        flags: NDArray[np.uint8],
    ) -> None: ...
    def matrix(self) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.uint32]]: ...
    def statistics(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]: ...
