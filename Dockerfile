# The package with the exact versions of requirements.lock, and its kernel compiled:
#   docker build -t hetero-rsnn .
#   docker run --rm -v "$PWD/results:/results" hetero-rsnn compare --quick --out /results/first
# Checked without Docker: the commands of RUN and ENTRYPOINT were run one after the other in an empty virtual environment of Python 3.11.
FROM python:3.11-slim

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONUNBUFFERED=1 MPLBACKEND=Agg NUMBA_CACHE_DIR=/var/cache/numba

# Dependencies first: they stay as they are while the package changes.
WORKDIR /src
COPY requirements.lock ./
RUN pip install -r requirements.lock

COPY pyproject.toml README.md LICENSE ./
COPY hetero_rsnn hetero_rsnn
COPY networks networks
RUN pip install --no-deps . && pip check

# The first run compiles the kernel into the cache of the image; everybody may read and write it.
WORKDIR /results
RUN hetero-rsnn compare --quick --seeds 1 --workers 1 --out /var/cache/first && rm -r /var/cache/first && chmod -R a+rwX /var/cache/numba /results

ENTRYPOINT ["hetero-rsnn"]
CMD ["--help"]
