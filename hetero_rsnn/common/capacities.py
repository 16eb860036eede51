"""The two questions that a memory capacity answers: names that measures and the protocols of networks share."""

from __future__ import annotations

#: What a readout of so many samples gets out, or what the states hold.
ESTIMATORS = ("heldout", "population")
#: The one that is taken where a function call or the file of a network names none.
ESTIMATOR = "heldout"
#: The only one there was before it could be chosen, and so that of journals and definitions which do not name it.
FIRST_ESTIMATOR = "heldout"
#: What each is called beside a number.
QUESTIONS = {
    "heldout": "C of a trained readout, held out",
    "population": "C of the states, for infinitely many samples",
}
