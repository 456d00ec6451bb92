# The package, its notebooks and its tests, for machines without Python.
#
#     docker build -t mds_sim .
#     docker run --rm mds_sim demo                             # or: stream, files, tournament
#     docker run --rm mds_sim test                             # or: coverage
#     docker run --rm -p 127.0.0.1:8888:8888 mds_sim           # lab: open the printed address
#
# Port 8888 is JupyterLab's, with a token; "127.0.0.1:" keeps it off the network. A container
# forgets what was changed in it. To keep your work, mount the folder of the notebooks:
#
#     docker run --rm -p 127.0.0.1:8888:8888 \
#         -v "$PWD/notebooks:/app/notebooks" mds_sim
#
# No HEALTHCHECK: all words but lab run once and end, and would be called unhealthy.

ARG PYTHON=3.12
FROM python:${PYTHON}-slim

# The words test and coverage are targets of the Makefile. Any version of make will do.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends make \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 1000 mds \
    && install --directory --owner mds --group mds /opt/venv /app

# mds, by number: Kubernetes reads no names when it is told to refuse root.
USER 1000
WORKDIR /app
ENV VENV=/opt/venv \
    PATH=/opt/venv/bin:$PATH \
    PIP_NO_CACHE_DIR=1

# First the dependencies, around an empty package: a layer that a change of code keeps.
COPY --chown=mds:mds Makefile pyproject.toml constraints.txt README.md LICENSE ./
RUN mkdir mds_sim && touch mds_sim/__init__.py && make setup

# Then the code. Docker's cache ignores the age of files, make does not: hence the touch.
COPY --chown=mds:mds . .
RUN touch /opt/venv/.ready

EXPOSE 8888
# Through sh, as a clone on Windows has no executable files.
ENTRYPOINT ["sh", "/app/docker-entrypoint.sh"]
CMD ["lab"]
