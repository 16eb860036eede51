"""A network as a feature map: a scikit-learn transformer from time series to filtered spike trains."""

from __future__ import annotations

import math
import sys
import warnings
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.exceptions import NotFittedError

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError, StimulusError
from hetero_rsnn.common.randomness import generator
from hetero_rsnn.common.types import Array
from hetero_rsnn.estimators.frozen import Frozen, adopt, count_jobs, filtered, learn, pool, spikes_each
from hetero_rsnn.inputs.encoder_base import Encoder
from hetero_rsnn.inputs.encoders import make_encoder
from hetero_rsnn.inputs.frames import shared_names
from hetero_rsnn.inputs.stimulus import Stimulus
from hetero_rsnn.jobs.progress import NotedProgress
from hetero_rsnn.measures.operations import input_operations, reach
from hetero_rsnn.network.definition import Network
from hetero_rsnn.network.draw import Draw, draw
from hetero_rsnn.network.loading import load_network
from hetero_rsnn.network.rules import by_rule
from hetero_rsnn.simulation.engine import Engine
from hetero_rsnn.simulation.recording import Recording

#: Orders of the axes of a sample.
LAYOUTS = ("time, channels", "channels, time")
#: How far a weight of 32 bits may lie beside a bound of 64.
_ROUNDING = 1e-6


class NetworkEstimator(BaseEstimator):  # type: ignore[misc]
    """What the transformer, the classifier and the forecaster share: encoding, unsupervised learning, frozen passes.

    Attributes
    ----------
    network_ : Network
        As it was drawn: with the input channels of the data.
    encoder_ : Encoder
    frozen_ : Frozen
        The network after learning, and the state from which each sample begins.
    spikes_ : ndarray, shape (samples,)
        Mean spikes of a neuron in each sample of the last pass.
    operations_ : ndarray, shape (samples,)
        Synaptic operations of the network in each sample of the last pass: its spikes times their fan-out.
    rows_ : ndarray of int, shape (samples,)
        Length of each sample of the last pass, in rows of the stimulus.
    feature_names_in_ : ndarray of str, shape (channels,)
        Names of the columns, where the samples were data frames or dictionaries that have such.
    """

    network: Any
    overrides: Any
    encoder: Any
    layout: Any
    hold: Any
    tau_read: Any
    epochs: int
    learn_for: Any
    rest: Any
    seed: int
    backend: str
    precision: str
    n_jobs: int | None
    verbose: bool

    def check_samples(self, X: Any, what: str = "X", *, fitting: bool = False) -> Sequence[Any]:
        """The samples, checked, each (time, channels); event data that are read as needed stay as they are.

        What comes back is not to be checked again: it would be turned twice.
        """
        if isinstance(X, Sequence) and not isinstance(X, list | tuple) and len(X) and isinstance(X[0], Stimulus):
            return X
        layout = self.layout
        if layout is not None and layout not in LAYOUTS:
            raise StimulusError(
                f"layout must be {LAYOUTS[0]!r} or {LAYOUTS[1]!r}, got {layout!r}", fix="name the axes of a sample"
            )
        given = turned(X) if layout == "channels, time" else X
        names = None if layout == "channels, time" else shared_names(X, what)
        if not fitting:
            self._same_names(names, what)
        try:
            samples = self._make_encoder().samples(given, what)
        except StimulusError as error:
            if layout is None and _equal_first_axes(X):
                hint = "; if samples are (channels, time), say layout='channels, time'"
                raise error.at(after=hint) from None
            raise
        if fitting:
            self.take_names(names)
            if layout is None:
                warn_if_turned(samples, what)
        return samples

    def take_names(self, names: Sequence[str] | None) -> None:
        """Keep the names of the channels, as `feature_names_in_`; none where the samples have none."""
        self.__dict__.pop("feature_names_in_", None)
        if names is not None:
            self.feature_names_in_ = np.array(names, dtype=object)

    def _same_names(self, names: Sequence[str] | None, what: str) -> None:
        known = getattr(self, "feature_names_in_", None)
        if names is not None and known is not None and list(names) != list(known):
            raise StimulusError(
                f"{what} has the columns {', '.join(names)}, the fit had {', '.join(known)}",
                fix="give the same, in the same order",
            )

    def _make_encoder(self) -> Encoder:
        """The encoder, not fitted yet."""
        return make_encoder(self.encoder)

    def _seen(self, X: Sequence[Any]) -> Sequence[Any]:
        """What of the checked samples the encoder is given: all as it is."""
        return X

    def _learn(self, X: Sequence[Any]) -> None:
        """Fit the encoder, draw the network, and let it learn."""
        if hasattr(self, "frozen_"):
            del self.frozen_  # a fit that fails leaves an estimator that is not fitted
        Engine(self.backend, self.precision)
        count_jobs(self.n_jobs)
        checks.whole("epochs", self.epochs, least=0, most=10**6, error=StimulusError)
        encoder = self._make_encoder()
        encoder.fit(self._seen(X) if isinstance(X, list) else [X[0]])
        if not isinstance(self.overrides, dict | None):
            raise HeteroError(f"overrides must be a dict such as {{'n': 1000}}, got {self.overrides!r}")
        changes = dict(self.overrides or {})
        if "input.channels" in changes:
            raise HeteroError("overrides must not name input.channels: the data decide it; leave it away")
        net = load_network(self.network, **{**changes, "input.channels": encoder.n_channels_})
        self._fitted_with = self._settings()
        self.network_: Network = net
        self.encoder_: Encoder = encoder
        self.n_features_in_ = encoder.n_channels_in_
        self.hold_ = self._hold(X[0], net)
        self.taus_ = self._taus(net)
        drawn = draw(net, self.seed, precision=self.precision)
        if net.arrays is not None and self.epochs:
            _warn_of_clipping(drawn)
        how: dict[str, Any] = {"backend": self.backend, "precision": self.precision}
        with self._bar("learning", self.epochs * len(X)) as progress:
            self.frozen_: Frozen = learn(
                drawn, len(X), self._encoding(X, "learning"), epochs=self.epochs, rest=self._rest(),
                limit=self._limit(), progress=progress, **how,
            )  # fmt: skip

    def settle(self, frozen: Frozen) -> None:
        """Take a frozen network from a file, last of all: with it the estimator is fitted, by its parameters now."""
        self._fitted_with = self._settings()
        self.frozen_ = frozen

    @contextmanager
    def _whole_or_not(self) -> Iterator[None]:
        """A fit that fails or is stopped leaves an estimator that is not fitted, not one with parts of two fits."""
        try:
            yield
        except BaseException:
            self.__dict__.pop("frozen_", None)
            raise

    def _learn_more(self, X: Sequence[Any]) -> None:
        self.check_fitted()
        how: dict[str, Any] = {"backend": self.backend, "precision": self.precision}
        # Each call is a new epoch of its own: the order and the encoder's chance differ from those before.
        again = learn(
            self.frozen_.draw, len(X), self._encoding(X, f"learning from step {self.frozen_.state.step}"),
            epochs=max(self.epochs, 1), rest=self._rest(), limit=self._limit(), state=self.frozen_.state, **how,
        )  # fmt: skip
        self.frozen_ = adopt(self.frozen_, again.state)

    def _rest(self) -> float:
        return checks.duration("rest", self.rest, positive=False)

    def _limit(self) -> float:
        return math.inf if self.learn_for is None else checks.duration("learn_for", self.learn_for)

    def _hold(self, first: Any, net: Network) -> float:
        given = None if self.hold is None else checks.duration("hold", self.hold)
        if isinstance(first, Stimulus):
            if given is not None and given != first.hold:
                raise StimulusError(
                    f"hold is {given:g} ms, but the samples hold {first.hold:g} ms: leave hold away for stimuli"
                )
            return first.hold
        return net.protocol.hold if given is None else given

    def _taus(self, net: Network) -> tuple[float, ...]:
        if self.tau_read is None:
            return (net.protocol.tau_read,)
        several = isinstance(self.tau_read, list | tuple)
        taus = tuple(checks.duration("tau_read", t) for t in (self.tau_read if several else [self.tau_read]))
        if not taus or len(set(taus)) < len(taus):
            raise HeteroError(f"tau_read must be one or more different times, got {self.tau_read!r}: e.g. '30 ms'")
        return taus

    def _encoding(self, X: Sequence[Any], purpose: str) -> Callable[[int], Stimulus]:
        """Sample number -> stimulus. The chance of an encoder depends on the seed, the purpose and the sample alone."""
        X = self._seen(X)

        def encode(k: int) -> Stimulus:
            x = X[k]
            # Not the place in the list: a sample is to get the same answer alone and among others.
            content = 0 if isinstance(x, Stimulus) else zlib.crc32(np.ascontiguousarray(x).tobytes())
            seed = int(generator(self.seed, "stimulus", purpose, content).integers(2**31))
            stimulus = self.encoder_.encode(x, hold=self.hold_, dt=self.network_.dt, seed=seed)
            if stimulus.hold != self.hold_ or stimulus.kind != self.encoder_.kind:
                raise StimulusError(
                    f"sample {k} is of kind {stimulus.kind!r} and holds {stimulus.hold:g} ms, the network was fitted "
                    f"on {self.encoder_.kind!r} and {self.hold_:g} ms: make all samples alike"
                )
            return stimulus

        return encode

    def _filtered(self, recording: Recording) -> Array:
        """Spikes as readouts see them, shape (rows, n * filters)."""
        return filtered(recording, self.taus_)

    def frozen_pass(self, samples: Sequence[Any], read: Callable[[Array, Recording], Any]) -> list[Any]:
        """A frozen pass over checked samples: ``read(states, recording)`` of each; notes the spikes."""
        self.check_fitted()
        encode = self._encoding(samples, "answering")
        spikes, rows = np.zeros(len(samples)), np.zeros(len(samples), dtype=np.int64)
        operations, targets = np.zeros(len(samples)), reach(self.frozen_.draw, self.frozen_.state.w)

        def answer(k: int, recording: Recording) -> Any:
            spikes[k], rows[k] = spikes_each(recording), recording.samples
            operations[k] = targets[recording.spike_neurons].sum()
            return read(self._filtered(recording), recording)

        with self._bar("answering", len(samples)) as progress:
            out = self.frozen_.run_all(len(samples), encode, answer, n_jobs=self.n_jobs, progress=progress)
        self.spikes_, self.rows_, self.operations_ = spikes, rows, operations
        return out

    def inputs(self, X: Any) -> list[Array]:
        """What the network is given, one array (rows, input channels) a sample: what a linear baseline may see.

        Scaled currents; rates of a Poisson encoder; else counts of events.
        """
        return list(self.each_input(X))

    def each_input(self, X: Any) -> Iterator[Array]:
        """The same one by one: all of a large set of events would not fit."""
        self.check_fitted()
        yield from self._inputs(self.check_samples(X))

    def _inputs(self, samples: Sequence[Any]) -> Iterator[Array]:
        """The same of samples that have been checked."""
        encode = self._encoding(samples, "answering")
        for k in range(len(samples)):
            yield encode(k).values

    def input_operations(self, X: Any) -> tuple[Array, Array]:
        """What the input of each sample takes, see `Operations`.

        Parameters
        ----------
        X : sequence of array_like (rows, channels)
            Samples, as `transform` takes them.

        Returns
        -------
        additions, products : ndarray (samples,)
            Additions of input spikes, and products of analog input.

        Raises
        ------
        HeteroError
            If it is not fitted, or the samples break a rule of `transform`.
        """
        self.check_fitted()
        samples = self.check_samples(X)
        encode = self._encoding(samples, "answering")
        counts = (input_operations(self.frozen_.draw, encode(k), 0.0) for k in range(len(samples)))
        additions, products, _ = (np.array(same) for same in zip(*counts, strict=True))
        return additions, products

    def longest(self, samples: Sequence[Any]) -> int:
        """Rows of the longest of checked samples, as they are encoded."""
        lengths = getattr(samples, "lengths", None)
        lengths = [len(x) for x in samples] if lengths is None else lengths
        return len(self._encoding(samples, "answering")(int(np.argmax(lengths))))

    def check_fitted(self) -> None:
        if not hasattr(self, "frozen_"):
            raise NotFittedError(f"this {type(self).__name__} is not fitted yet: call fit first")
        for name, value in self._settings().items():
            if value != self._fitted_with[name]:
                raise HeteroError(f"{name} was {self._fitted_with[name]} in the fit and is {value} now: fit again")

    def _settings(self) -> dict[str, str]:
        """Parameters that a fit fixes, as text."""
        return {k: repr(v) for k, v in self.get_params(deep=False).items() if k not in ("n_jobs", "verbose")}

    @contextmanager
    def _bar(self, text: str, total: int, what: str = "samples") -> Iterator[NotedProgress | None]:
        if not self.verbose or not total:
            yield None
            return
        from hetero_rsnn.jobs.progress import progress_bar

        last = 0
        with progress_bar(text, total) as progress:

            def tell(done: int, total: int, note: str = "") -> None:
                nonlocal last
                last = done
                progress(done, total, note=note)

            yield tell
        if sys.stderr is not None and not sys.stderr.isatty():
            print(f"{text}: {last} {what} done", file=sys.stderr)


def _warn_of_clipping(drawn: Draw) -> None:
    """Say so if STDP would throw away what gradients have learned. Points at the caller of `fit`."""
    w, outside = drawn.plastic.w, 0
    for rule in by_rule(drawn):
        sizes, low, high = w[rule.which] * rule.sign, rule.shared["w_min"], rule.shared["w_max"]
        outside += int(np.count_nonzero((sizes < low - _ROUNDING) | (sizes > high * (1 + _ROUNDING))))
    if outside:
        warnings.warn(
            f"{outside} of {w.size} given weights of {drawn.network.name!r} lie outside w_min..w_max, and STDP clips "
            "them: epochs=0 keeps the network as it is",
            UserWarning,
            stacklevel=4,
        )


def turned(X: Any) -> Any:
    """Samples whose axes have changed places; what has no two axes is left to the checks."""
    if isinstance(X, np.ndarray) and X.ndim == 3:
        return X.transpose(0, 2, 1)
    if not isinstance(X, list | tuple | np.ndarray):
        return X

    def turn(x: Any) -> Any:
        if isinstance(x, list):
            try:
                x = np.asarray(x)
            except ValueError:
                return x
        return x.T if getattr(x, "ndim", 0) == 2 else x

    return [turn(x) for x in X]


def _shapes(X: Any) -> list[tuple[int, ...]]:
    """Shapes of samples that are arrays of two dimensions; none if one is not."""
    if not isinstance(X, list | tuple | np.ndarray):
        return []
    shapes = [x.shape for x in X if getattr(x, "ndim", 0) == 2]
    return shapes if len(shapes) == len(X) else []


def _equal_first_axes(X: Any) -> bool:
    """Whether it is the second axis whose length changes from sample to sample."""
    shapes = _shapes(X)
    return len({s[0] for s in shapes}) == 1 and len({s[1] for s in shapes}) > 1


def warn_if_turned(samples: Sequence[Any], what: str = "X") -> None:
    """Say so if samples look like (channels, time): far fewer rows than channels. Points three calls up."""
    shapes = _shapes(samples)
    if shapes and all(channels >= max(2 * rows, 10) for rows, channels in shapes):
        rows, channels = shapes[0]
        warnings.warn(
            f"{what} holds samples of {rows} row{'s' * (rows > 1)} (time) and {channels} channels, which looks like "
            "(channels, time): say layout='channels, time' if it is, or layout='time, channels' if not",
            UserWarning,
            stacklevel=4,
        )


class HRSNNFeatures(TransformerMixin, NetworkEstimator):  # type: ignore[misc]
    """Time series -> filtered spike trains of a network, averaged over windows: a feature map for any pipeline.

    `fit` encodes the samples and shows them to the network, which learns by STDP, without labels. `transform` freezes
    the weights and answers every sample from the same state.

    Parameters
    ----------
    network : str, path or Network
        A shipped name, a TOML file, or a network. Its number of input channels is set to that of the data; of a
        `trained_network` it must be that already, and `epochs=0` keeps what it has learned.
    overrides : dict, optional
        Changes of the network, as `load_network` takes them: ``{"n": 1000, "E.tau_m.cv": 0.3}``.
    encoder : str or Encoder
        ``"current"``, ``"poisson"``, ``"delta"``, ``"audio"``, or an encoder such as ``AudioEncoder(bands=40)``.
    layout : {"time, channels", "channels, time"}, optional
        Order of the axes of a sample. By default time comes first, with a warning if the shape looks otherwise.
    hold : float (ms) or str, optional
        Simulated time of a row of a sample, e.g. ``"20 ms"``; default: the network's protocol.
    tau_read : float (ms), str, or list of these, optional
        Time constant of the filter that turns spike trains into states, or several (features of each, side by side);
        default: the network's protocol.
    windows : int
        Each sample is cut into this many parts of equal length; the features are the mean state in each.
    epochs : int
        How often the training samples are shown, in random order; 0 leaves out learning.
    learn_for : str, optional
        Learning ends in any case when this much of the samples has been shown, in simulated time, e.g. ``"60 s"``: for
        long series. Rests do not count.
    rest : str
        Silence between samples while learning.
    seed : int
        Of the network, the order of the samples, and the chance of the encoder.
    backend, precision : str
        See `simulate`.
    n_jobs : int, optional
        Samples simulated at a time in a frozen pass: None is one, -1 one a core. The features do not depend on it.
    verbose : bool
        Show progress.

    Attributes
    ----------
    network_ : Network
    encoder_ : Encoder
    frozen_ : Frozen
        The network after learning (``frozen_.draw``), and the state from which every sample begins.
    spikes_ : ndarray, shape (samples,)
        Mean spikes of a neuron in each sample of the last pass.

    Examples
    --------
    >>> import numpy as np
    >>> from hetero_rsnn import HRSNNFeatures
    >>> X = [np.random.default_rng(k).normal(size=(20 + k, 3)) for k in range(4)]
    >>> HRSNNFeatures("henhes", overrides={"n": 50}, windows=2).fit_transform(X).shape
    (4, 100)
    """

    def __init__(
        self,
        network: Any = "henhes",
        *,
        overrides: Any = None,
        encoder: Any = "current",
        layout: Any = None,
        hold: Any = None,
        tau_read: Any = None,
        windows: int = 5,
        epochs: int = 1,
        learn_for: Any = None,
        rest: Any = "100 ms",
        seed: int = 0,
        backend: str = "fast",
        precision: str = "double",
        n_jobs: int | None = None,
        verbose: bool = False,
    ) -> None:
        self.network = network
        self.overrides = overrides
        self.encoder = encoder
        self.layout = layout
        self.hold = hold
        self.tau_read = tau_read
        self.windows = windows
        self.epochs = epochs
        self.learn_for = learn_for
        self.rest = rest
        self.seed = seed
        self.backend = backend
        self.precision = precision
        self.n_jobs = n_jobs
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn from the samples without labels, from scratch.

        Parameters
        ----------
        X : list of array, shape (time, channels); array, shape (samples, time, channels); or list of Stimulus
            Samples may have unequal lengths.
        y : ignored

        Raises
        ------
        HeteroError
            If X is empty, not finite or of changing channels, or a parameter breaks its rule.
        """
        checks.whole("windows", self.windows, least=1, most=10_000, error=StimulusError)
        self._learn(self.check_samples(X, fitting=True))
        return self

    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """Go on learning from more samples, with the scaling of the first fit."""
        if not hasattr(self, "frozen_"):
            return self.fit(X)
        self._learn_more(self.check_samples(X, fitting=True))
        return self

    def transform(self, X: Any) -> Array:
        """Features of every sample, shape (samples, windows * neurons * filters)."""
        return np.array(self.frozen_pass(self.check_samples(X), lambda x, _: pool(x, self.windows)))

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names such as ``window0_neuron17`` (with several filters ``..._tau30``)."""
        self.check_fitted()
        several = len(self.taus_) > 1
        return np.array(
            [
                f"window{w}_neuron{i}" + (f"_tau{tau:g}" if several else "")
                for w in range(self.windows)
                for tau in self.taus_
                for i in range(self.network_.n)
            ],
            dtype=object,
        )
