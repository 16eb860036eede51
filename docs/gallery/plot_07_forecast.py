"""
Forecast a series
=================

Foretell a chaotic series three rows ahead, with a linear readout of spikes.

The forecast follows the series closely. Its error stands in the printed report beside those of persistence and of a
linear model.
"""

import matplotlib.pyplot as plt

import hetero_rsnn as hr

series = hr.load_dataset("mackey_glass").X[0][:1500]
train, test = series[:1000], series[1000:]
forecaster = hr.HRSNNForecaster("henhes", overrides={"n": 100}, horizon=3).fit([train])
print(forecaster.report([test]))
(forecast,) = forecaster.predict([test])

fig, ax = plt.subplots(figsize=(7, 3), layout="constrained")
ax.plot(test[103:303], "0.6", lw=3, label="series")
ax.plot(forecast[100:300], "#D55E00", lw=1.2, label="forecast, three rows ahead")
ax.set(xlabel="row", ylabel="value", ylim=(0.2, None))
ax.legend(frameon=False, ncols=2, loc="lower right")
plt.show()
