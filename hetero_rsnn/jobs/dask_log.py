"""What Dask logs of a lost connection: this package says it itself, in one line, and without a traceback."""

from __future__ import annotations

import logging

#: Loggers that write while a client loses its scheduler; a filter holds for one logger, not for those below it.
_LOGGERS = ("distributed.batched", "distributed.client", "distributed.comm.tcp", "distributed.core")


class LostConnections(logging.Filter):
    """Drops records of lost connections from Dask's loggers, between `begin` and `end`.

    Other records pass. After `gave_up`, all of the client's are dropped: it writes of a scheduler that is known to be
    gone for as long as it tries to connect anew. The loggers are those of the process, so this holds for other Dask
    clients too, and after `gave_up` it stays.
    """

    def __init__(self) -> None:
        super().__init__()
        self._gone = False

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a record is written."""
        error = record.exc_info[1] if record.exc_info else None
        # Dask's own error of a closed connection is an OSError, as many others are.
        lost = isinstance(error, ConnectionError | TimeoutError) or type(error).__name__ == "CommClosedError"
        return not (lost or (self._gone and record.name == "distributed.client"))

    def begin(self) -> None:
        """Hold for all of Dask's loggers."""
        for name in _LOGGERS:
            logging.getLogger(name).addFilter(self)

    def gave_up(self) -> None:
        """Note that the scheduler is known to be gone."""
        self._gone = True

    def end(self) -> None:
        """Hold no longer, unless the scheduler is gone: threads of the client may outlive it, and write of that."""
        if not self._gone:
            for name in _LOGGERS:
                logging.getLogger(name).removeFilter(self)
