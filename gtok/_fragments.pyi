from typing import NoReturn, Self, final

import numpy as np
from numpy.typing import NDArray

from gtok.threads import Stop

@final
class FragmentCounter:
    def __new__(
        cls, counting: int, starts: NDArray[np.int32], ends: NDArray[np.int32], stop: Stop
    ) -> Self: ...
    def __reduce__(self) -> NoReturn: ...
    def expect(self, n_cells: int, n_chroms: int) -> None: ...
    def chroms_met(self) -> NDArray[np.uint8]: ...
    def add(
        self,
        chroms: NDArray[np.int32],
        starts: NDArray[np.int32],
        ends: NDArray[np.int32],
        cells: NDArray[np.int32],
        supports: NDArray[np.int32],
        offsets: NDArray[np.int64],
        ids: NDArray[np.int32],
        mitochondrial: NDArray[np.uint8],
        excluded: NDArray[np.uint8] | None,
    ) -> None: ...
    def count_sites(
        self,
        cells: NDArray[np.int32],
        at: NDArray[np.int64],
        beside: NDArray[np.int64],
        excluded: NDArray[np.uint8] | None,
    ) -> None: ...
    def matrix(self) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.uint32]]: ...
    def statistics(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]: ...
