#!/bin/sh
# An engine for tests of load.sh. $FAKE holds names (one NAME ID LAYERS a line), and what is to happen on load: after
# (lines that take the place of those with the same name), said, status.
PATH=/usr/bin:/bin
echo "$*" >>"$FAKE/log"
at() { cat "$FAKE/$1" 2>/dev/null; }
case "$1 ${2-}" in
  --version*) at version ;;
  'version --format' | 'info --format') at "${1}" || { echo 'cannot connect' >&2; exit 1; } ;;
  'image ls')
    [ ! -f "$FAKE/gone" ] || exit 1
    case $* in *--format*) cut -d' ' -f1,2 "$FAKE/names" ;; *) cut -d' ' -f2 "$FAKE/names" ;; esac
    ;;
  'image inspect')
    format=$4 status=0
    shift 4
    for ref in "$@"; do
      line=$(grep -e "^$ref " -e " $ref " "$FAKE/names" | sed -n 1p)
      [ -n "$line" ] || { echo "no such image: $ref" >&2; status=1; continue; }
      # shellcheck disable=SC2086
      set -- $line
      rootfs="{\"Type\":\"layers\",\"Layers\":[$(echo "${3-}" | sed 's/[^,]*/"&"/g')]}"
      case $format in
        '{{.Id}}') echo "$2" ;;
        '{{json .RootFS}}') echo "$rootfs" ;;
        *) echo "$2 $rootfs" ;;
      esac
    done
    exit "$status"
    ;;
  'load --help') at help ;;
  load*)
    n=$(($(at loads | wc -l) + 1))
    echo "$n" >>"$FAKE/loads"
    cat >"$FAKE/loaded.$n"
    { at after; at names; } | awk '!seen[$1]++' >"$FAKE/new"
    mv "$FAKE/new" "$FAKE/names"
    [ ! -f "$FAKE/goes" ] || mv "$FAKE/goes" "$FAKE/gone"
    at said
    [ ! -f "$FAKE/slow" ] || sleep 10
    exit "$(at status || echo 0)"
    ;;
  tag*)
    line=$(grep "^$2 " "$FAKE/names") || exit 1
    { echo "$3 ${line#* }"; cat "$FAKE/names"; } | awk '!seen[$1]++' >"$FAKE/new"
    mv "$FAKE/new" "$FAKE/names"
    ;;
  rmi*)
    for ref in "$@"; do :; done
    grep -v "^$ref " "$FAKE/names" >"$FAKE/new"
    mv "$FAKE/new" "$FAKE/names"
    ;;
esac
