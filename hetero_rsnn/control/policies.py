"""A trained actor that acts: with the statistics of its training, as files, without torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from hetero_rsnn.common import checks
from hetero_rsnn.common.array_files import read_array_file, read_sealed, unsealed, write_sealed
from hetero_rsnn.common.errors import FileFormatError, HeteroError
from hetero_rsnn.common.files import file_named, json_text, path_of
from hetero_rsnn.common.randomness import generator
from hetero_rsnn.common.types import Array
from hetero_rsnn.control.acting import Acting
from hetero_rsnn.control.actor_arrays import ActorArrays
from hetero_rsnn.control.actor_settings import ActorSettings

_FORMAT, _VERSION = "hetero_rsnn policy", 1
_KEYS = {"format", "version", "actor", "clip", "environment", "seed", "arrays", "sha256", "checksum"}
_STATISTICS = {"normaliser.mean": "mean", "normaliser.sd": "sd"}


class ControlPolicy:
    """A trained actor: ``policy(observation)`` is an action.

    Observations become standard scores by the statistics of the training, bounded by `clip`. The actor then follows its
    spikes, event by event in compiled code and in double precision: one that was trained in single precision may act
    otherwise where a potential comes closer to the threshold than that resolves.

    Parameters
    ----------
    actor : ActorArrays
        Such as ``build_actor(...).arrays()``.
    mean, sd : array, shape (observations,), optional
        Of the observations in training; without them these are taken as they are.
    clip : float
        In standard deviations; infinity for none.
    environment : str
        Where it was trained, such as ``"Pendulum-v1"``.
    seed : int
        Of an encoder that draws.

    Attributes
    ----------
    actor : ActorArrays
    mean, sd : ndarray, shape (observations,)
    observations, actions : int
    low, high : ndarray, shape (actions,)
        Limits of the actions.
    layer_spikes : ndarray of int
        Spikes of the last action: of the encoder, the hidden layers, the output neurons.

    Raises
    ------
    HeteroError
        If the arrays are not those of an actor, or another argument breaks its rule.

    Examples
    --------
    >>> import numpy as np
    >>> from hetero_rsnn.control.actor_arrays import ActorArrays
    >>> arrays = {"0.weight": np.ones((3, 2)), "0.bias": np.zeros(2), "1.weight": np.ones((2, 1))}
    >>> arrays |= {"1.bias": np.zeros(1), "centre": np.zeros(1), "reach": np.full(1, 2.0)}
    >>> actor = ActorArrays(ActorSettings("relu", hidden=(2,)), arrays)
    >>> policy = ControlPolicy(actor, environment="Pendulum-v1")
    >>> policy([0.1, 0.0, 0.1]).round(4).tolist(), policy.spikes
    ([0.7599], 0)
    """

    def __init__(
        self,
        actor: ActorArrays,
        *,
        mean: Any = None,
        sd: Any = None,
        clip: float = 3.0,
        environment: str = "",
        seed: int = 0,
    ) -> None:
        if not isinstance(actor, ActorArrays):
            raise HeteroError(
                f"actor must be ActorArrays, got {type(actor).__name__}", fix="give build_actor(...).arrays()"
            )
        actor.check()
        if not isinstance(environment, str):
            raise HeteroError(f"environment must be text, got {environment!r:.80}", fix='such as "Pendulum-v1"')
        n = actor.observations
        self.actor, self.environment = actor, environment
        self.seed = checks.whole("seed", seed, least=0)
        self.clip = clip if clip == np.inf else checks.real("clip", clip, above=0.0)
        self.mean, self.sd = _statistic("mean", mean, n, 0.0), _statistic("sd", sd, n, 1.0)
        if not (self.sd > 0).all():
            raise HeteroError(f"sd must be > 0, got {self.sd[self.sd <= 0][0]:g}", fix="give 1 where nothing varies")
        self._input = np.zeros(n)
        self._acting = Acting(actor, mean=self.mean, sd=self.sd, clip=self.clip)
        self.reset()

    def __call__(self, observation: Any) -> Array:
        """An action, shape (actions,), for an observation, shape (observations,).

        Raises
        ------
        HeteroError
            If the observation has another shape or a number that is not finite.
        """
        x = checks.finite_array("observation", observation, 1, axes=("number",), fix="see what the environment returns")
        if x.size != self.observations:
            of = f", trained in {self.environment}," if self.environment else ""
            raise HeteroError(
                f"an observation of this policy{of} has {self.observations} numbers, got {x.size}",
                fix="choose the environment that it was trained in",
            )
        self._input[:] = x  # one layout in memory, for which all is compiled
        return self._acting(self._input)

    @property
    def observations(self) -> int:
        return self.actor.observations

    @property
    def actions(self) -> int:
        return self.actor.actions

    @property
    def low(self) -> Array:
        return np.asarray(self.actor.arrays["centre"] - self.actor.arrays["reach"])

    @property
    def high(self) -> Array:
        return np.asarray(self.actor.arrays["centre"] + self.actor.arrays["reach"])

    @property
    def spikes(self) -> int:
        """Spikes of the last action, of all neurons; 0 without spikes."""
        return self._acting.spikes

    @property
    def layer_spikes(self) -> Any:
        return self._acting.layer_spikes.copy()

    def reset(self) -> None:
        """Begin anew: an encoder that draws begins with the first numbers of its seed.

        Nothing else is carried from one action to the next.
        """
        self._acting.random = generator(self.seed, "input", "actor")

    def __repr__(self) -> str:
        settings = self.actor.settings
        place = f" for {self.environment}" if self.environment else ""
        return f"<ControlPolicy{place}: {settings.kind}, {self.observations} -> {settings.hidden} -> {self.actions}>"


def _statistic(name: str, value: Any, n: int, default: float) -> Array:
    if value is None:
        return np.full(n, default)
    array = checks.finite_array(name, value, 1)
    if array.size != n:
        raise HeteroError(f"{name} must have {n} numbers, got {array.size}", fix="give one for each observation")
    return array.copy()


def save_policy(policy: ControlPolicy, path: str | Path, *, overwrite: bool = False) -> Path:
    """Write a policy to a JSON file that `load_policy` reads back as an equal one.

    What it has learned lies in ``NAME-CHECKSUM.npz`` beside ``NAME.json``, which names that file. The two belong
    together.

    Parameters
    ----------
    policy : ControlPolicy
    path : path
        It ends in ``.json``. A link is written through to the file that it leads to.
    overwrite : bool
        Replace a file of that name which has other content.

    Returns
    -------
    Path

    Raises
    ------
    OutputError
        If the place cannot be written, or holds another file.
    HeteroError
        If it is no policy, or the name is another one.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> from hetero_rsnn.control.actor_arrays import ActorArrays
    >>> arrays = {"0.weight": np.ones((3, 2)), "0.bias": np.zeros(2), "1.weight": np.ones((2, 1))}
    >>> arrays |= {"1.bias": np.zeros(1), "centre": np.zeros(1), "reach": np.full(1, 2.0)}
    >>> policy = ControlPolicy(ActorArrays(ActorSettings("relu", hidden=(2,)), arrays))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = save_policy(policy, pathlib.Path(folder) / "mine.json")
    ...     bool(load_policy(path)([0.1, 0.2, 0.3]) == policy([0.1, 0.2, 0.3]))
    True
    """
    if not isinstance(policy, ControlPolicy):
        raise HeteroError(f"save_policy takes a ControlPolicy, got {type(policy).__name__}", fix="give one")
    path = file_named("a policy", path, ".json")
    about = {
        "actor": policy.actor.settings.to_dict(),
        "clip": policy.clip if np.isfinite(policy.clip) else None,
        "environment": policy.environment,
        "seed": policy.seed,
    }
    arrays = policy.actor.arrays | {name: getattr(policy, own) for name, own in _STATISTICS.items()}
    return write_sealed(path, json.loads(json_text(about)), arrays, form=_FORMAT, version=_VERSION, overwrite=overwrite)


def load_policy(path: str | Path) -> ControlPolicy:
    """Read a policy that `save_policy` has written; torch is not needed.

    Parameters
    ----------
    path : path
        Of the JSON file; the npz file that it names lies beside it.

    Raises
    ------
    FileFormatError
        If a file is missing, damaged, of another version or none of a policy.

    Examples
    --------
    See `save_policy`.
    """
    path = path_of("path", path)
    other = FileFormatError(f"{path} is no policy", fix="name the JSON file of save_policy")
    about = read_sealed(path, form=_FORMAT, version=_VERSION, refusal=other)
    if about.keys() != _KEYS:
        raise FileFormatError(f"{path} must hold {', '.join(sorted(_KEYS))}", fix="restore a copy")
    about = unsealed(path, about)
    arrays = read_array_file(path, about["arrays"], about["sha256"], FileFormatError)
    try:
        statistics = {own: arrays.pop(name, None) for name, own in _STATISTICS.items()}
        clip = np.inf if about["clip"] is None else about["clip"]
        actor = ActorArrays(ActorSettings.from_dict(about["actor"]), arrays)
        return ControlPolicy(
            actor, **statistics, clip=clip, environment=about["environment"], seed=about["seed"]
        )  # a file is a door, too: all is checked there
    except HeteroError as error:
        raise FileFormatError(f"{path}: {error}") from None
    except (TypeError, AttributeError, OverflowError, MemoryError) as error:
        raise FileFormatError(f"{path} describes no policy ({error!s:.200})", fix="restore a copy") from None
