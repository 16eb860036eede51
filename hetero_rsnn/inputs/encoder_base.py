"""What all encoders share: fitting, checks of what they are given, stimuli that pass through."""

from __future__ import annotations

from typing import Any, Self

from sklearn.base import BaseEstimator

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import StimulusError
from hetero_rsnn.common.types import Array
from hetero_rsnn.inputs.samples import as_series, channels_of
from hetero_rsnn.inputs.stimulus import Stimulus

__all__ = ["Encoder"]


class Encoder(BaseEstimator):  # type: ignore[misc]
    """Base of all encoders: turns one sample, an array of shape (time, channels), into a `Stimulus`.

    Samples that are stimuli already pass through unchanged (`hold`, `dt` and `seed` do not matter then).

    Attributes
    ----------
    kind : {"current", "events"}
        Of the stimuli that come out.
    n_channels_in_ : int
        Channels of a sample, known after `fit`.
    n_channels_ : int
        Channels of the stimulus, which is what a network needs as ``input.channels``.
    """

    _given: str | None = None
    n_channels_in_: int
    n_channels_: int

    @property
    def kind(self) -> str:
        """Kind of the stimuli: ``"current"`` or ``"events"``."""
        return self._given or self._makes()

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the scaling over all rows of all samples.

        Parameters
        ----------
        X : list of array, shape (time, channels) or (time,)
            See `as_series`. Of stimuli, only the number of channels is noted.
        y : ignored

        Raises
        ------
        StimulusError
            For samples that `as_series` refuses, and parameters out of their range.
        """
        self._check()
        samples = self.samples(X)
        if hasattr(self, "n_channels_in_"):
            del self.n_channels_in_  # a fit that fails leaves an encoder that is not fitted
        self._given = samples[0].kind if isinstance(samples[0], Stimulus) else None
        self.n_channels_ = channels_of(samples[0])
        if self._given is None:
            self._learn([x for x in samples if not isinstance(x, Stimulus)])
        self.n_channels_in_ = channels_of(samples[0])
        return self

    def samples(self, X: Any, what: str = "X") -> list[Array | Stimulus]:
        """Samples as this encoder takes them, checked by `as_series`; raises `StimulusError` as that does."""
        return as_series([self._read(x) for x in X] if isinstance(X, list | tuple) else X, what)

    def encode(self, x: Any, *, hold: Any, dt: Any = 1.0, seed: int = 0) -> Stimulus:
        """Turn one sample into a stimulus, one row a sample of the stimulus.

        Parameters
        ----------
        x : array, shape (time, channels) or (time,); or Stimulus
        hold : float or str
            How long a row lasts in simulated time: ms, or with its unit as in ``"10 ms"``.
        dt : float or str
            Grid of the network, on which events lie. Currents do not need it.
        seed : int
            For encoders with chance. Give each sample a seed of its own: equal seeds repeat the same random numbers.

        Raises
        ------
        StimulusError
            If the encoder is not fitted, or the sample does not fit it.
        UnitError
            If `hold` is no time, or, for events, no multiple of `dt`.
        """
        self._check()
        if isinstance(x, Stimulus):
            if hasattr(self, "n_channels_in_") and x.channels != self.n_channels_:
                raise self._mismatch(x.channels, self.n_channels_)
            return x
        self._fitted()
        array = as_series([self._read(x)], "x", arrays_only=True)[0]
        if array.shape[1] != self.n_channels_in_:
            raise self._mismatch(array.shape[1], self.n_channels_in_)
        return self._encode(array, checks.duration("hold", hold), checks.duration("dt", dt), seed)

    def _mismatch(self, got: int, fitted: int) -> StimulusError:
        return StimulusError(
            f"the sample has {got} channels, the {type(self).__name__} was fitted on {fitted}: "
            f"give samples of {fitted}, or fit it on such"
        )

    def _fitted(self) -> None:
        if not hasattr(self, "n_channels_in_"):
            raise StimulusError(f"this {type(self).__name__} has not learnt a scaling yet: call fit(X) first")
        if self._given is not None:
            raise StimulusError(
                f"this {type(self).__name__} was fitted on stimuli, from which no scaling is learnt: fit it on arrays"
            )

    def _own(self, stimulus: Stimulus, source: str) -> None:
        """Refuse to decode what this kind of encoder did not make."""
        self._fitted()
        got = stimulus.description.get("source") if isinstance(stimulus, Stimulus) else type(stimulus).__name__
        if got != source:
            raise StimulusError(f"decode takes a stimulus of {type(self).__name__}.encode, got one from {got!r}")
        if stimulus.channels != self.n_channels_:
            raise self._mismatch(stimulus.channels, self.n_channels_)

    def _check(self) -> None:
        """Refuse parameters out of range."""

    def _makes(self) -> str:
        """Kind of the stimuli made of arrays."""
        return "events"

    def _read(self, x: Any) -> Any:
        """Turn what a user may hand in besides arrays into an array."""
        return x

    def _learn(self, arrays: list[Array]) -> None:
        raise NotImplementedError

    def _encode(self, x: Array, hold: float, dt: float, seed: int) -> Stimulus:
        raise NotImplementedError
