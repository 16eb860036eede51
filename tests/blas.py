"""A job that tells the threads of linear algebra, in a module that loads the libraries and little else."""

from __future__ import annotations

import numpy as np  # noqa: F401 - its BLAS
import scipy.linalg  # noqa: F401 - and another
from threadpoolctl import threadpool_info


def blas_threads(number: int) -> tuple[int, set[int]]:
    return number, {d["num_threads"] for d in threadpool_info() if d["user_api"] == "blas"}
