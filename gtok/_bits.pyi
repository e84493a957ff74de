from typing import Self, final

import numpy as np
from numpy.typing import NDArray

from gtok.threads import Stop

@final
class Bits:
    def __new__(
        cls,
        bounds: NDArray[np.int64],
        spans: NDArray[np.int32],
        order: NDArray[np.int32] | None,
    ) -> Self: ...
    def count(
        self,
        chroms: NDArray[np.int32],
        starts: NDArray[np.int32],
        ends: NDArray[np.int32],
        counts: NDArray[np.int64] | None = None,
        stop: Stop | None = None,
    ) -> NDArray[np.int64]: ...
    def overlaps(
        self,
        chroms: NDArray[np.int32],
        starts: NDArray[np.int32],
        ends: NDArray[np.int32],
        offsets: NDArray[np.int64] | None = None,
        stop: Stop | None = None,
    ) -> tuple[NDArray[np.int64], NDArray[np.int32]]: ...
    def scanned(
        self, chroms: NDArray[np.int32], starts: NDArray[np.int32], ends: NDArray[np.int32]
    ) -> NDArray[np.int64]: ...
