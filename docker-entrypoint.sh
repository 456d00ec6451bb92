#!/bin/sh
# The first word says what the container does; what follows it is passed on.
set -eu

usage() {
    cat <<'END'
usage: docker run --rm mds_sim WORD [OPTION ...]

  stream      messages in mini-batches on a pool  (--help lists its options)
  files       real files in buckets on a pool
  tournament  a game night, round by round
  plan        how many workers, which window, which buckets
  demo        see all three
  test        check style, types, tests and notebooks
  coverage    measure what the tests reach
  lab         JupyterLab with the notebooks; add -p 127.0.0.1:8888:8888 before mds_sim
END
}

case "${1:-help}" in
    stream | files | tournament | plan | demo)
        exec python -m mds_sim "$@"
        ;;
    test | coverage)
        exec make --no-print-directory "$@"
        ;;
    lab)
        shift
        # 0.0.0.0 is the container's own network: only a published port leads here.
        exec python -m mds_sim lab --ip 0.0.0.0 --no-browser "$@"
        ;;
    help | -h | --help)
        usage
        ;;
    *)
        echo "unknown word: $1" >&2
        usage >&2
        exit 64 # EX_USAGE of sysexits.h
        ;;
esac
