#!/bin/sh
# The C compiler, which is to keep the places of this machine to itself: those of sources, and where OpenSSL would look for
# modules at run time, which is where it was built.
for argument do
    shift
    case $argument in
    -DENGINESDIR=* | -DMODULESDIR=*) argument="${argument%%=*}=\"/nonexistent\"" ;;
    esac
    set -- "$@" "$argument"
done
exec "$DIST_CC" "$@" -ffile-prefix-map="$DIST_TARGET=/target" -ffile-prefix-map="$DIST_CARGO_HOME=/cargo"
