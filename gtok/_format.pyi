import numpy as np
from numpy.typing import NDArray

def format_rows(
    names: list[bytes],
    codes: NDArray[np.int32],
    starts: NDArray[np.int32],
    ends: NDArray[np.int32],
    ids: NDArray[np.int32] | None = None,
    suffix: bytes = b"\n",
    labels: list[bytes] | None = None,
    label_codes: NDArray[np.int32] | None = None,
) -> bytearray: ...
