#!/bin/sh
# Loads the container images that lie beside this file into Docker or Podman, and says whether each of them is there.
# README.txt says how to use it. It needs nothing but the engine's own client and the programs of any small system
# (those of BusyBox will do). It changes nothing in this folder, which may be read-only.
#
# What is in the bundle stands in kit.txt, one fact a line:
#   bundle NAME, format tar|tar.zst|tar.gz, thin yes|no, lists DIGEST, fingerprint GROUPS, bytes NUMBER (unpacked)
#   file NAME                  the bundle, or its volumes in order
#   base NUMBER WORDS          what a thin bundle relies on
#   image NUMBER NAME SHORT DIGEST BYTES       NAME: in full, or - for none; SHORT: as people write it; DIGEST: of its
#                                              manifest or index; BYTES: of its own files in the bundle
#   platform NUMBER OS/ARCH ID LAYERS CHAIN RELIED BASES    of that image. ID: the image ID (digest of its config);
#       LAYERS: diffIDs, bottom first; RELIED: those that a thin bundle leaves out; CHAIN: LAYERS up to the last of
#       these; BASES: who has them. Lists are joined by commas, an empty one is -. Graph drivers get the first platform.
#   artifact NUMBER SHORT DIGEST BYTES         carried, and not for engines
# and, of a bundle with several images, what an archive of one alone takes stands in parts.txt:
#   index NUMBER JSON, manifest NUMBER JSON, blobs NUMBER PATHS
#
# Exit status: 0 all are there; 2 wrong usage; 3 a file is missing or damaged, or the signature is not right; 4 the engine
# refused or failed, and every name is as it was before; 5 no such image or file; 6 the engine lacks what a thin bundle
# relies on, nothing was changed; 7 trouble of this machine: a program or space is missing; 130 interrupted.
set -fu
umask 077
unset CDPATH
LC_ALL=C
export LC_ALL

usage() {
  cat <<'USAGE'
Usage: sh load.sh [--engine docker|podman|PATH] [--only NAME]... [--check]
                  [--allowed-signers FILE [--identity NAME]]

  --engine           the engine's client; without it docker, else podman
  --only             only images of this name, with its tag or without; may have
                     * in it; may be repeated
  --check            check the files, compute the fingerprint, and stop
  --allowed-signers  check who signed: keys you trust, in the format of ssh-keygen
  --identity         who must have signed, as FILE has it; without it anybody there
USAGE
}

say() { printf '%s\n' "$*"; }
warn() { printf 'load.sh: %s\n' "$*" >&2; }
fail() { # STATUS WORDS
  fail_status=$1
  shift
  warn "$@"
  exit "$fail_status"
}
has() { command -v "$1" >/dev/null 2>&1; }
fact() { sed -n "s/^$1 //p" kit.txt; }
megabytes() { echo "$((($1 + 999999) / 1000000)) MB"; }

# --- the files -------------------------------------------------------------------------------------------------------

# The sha256, in hex, of what is on standard input.
sha256() {
  if has sha256sum; then sha256sum | cut -c1-64
  elif has shasum; then shasum -a 256 | cut -c1-64
  else openssl dgst -sha256 | sed 's/.* //'
  fi
}

# What people call a file of the kit.
called() { # FILE
  volumes=$(grep -c '^file ' kit.txt 2>/dev/null)
  place=$(grep '^file ' kit.txt 2>/dev/null | grep -n -x -F -- "file $1" | cut -d: -f1)
  if [ -n "$place" ] && [ "$volumes" -gt 1 ]; then say "volume $place of $volumes ($1)"; else say "$1"; fi
}

# kit.txt first: it says what is needed, which is better known before much is read.
verify_kit() {
  has sha256sum || has shasum || has openssl ||
    fail 7 "nothing here can compute a sha256: install sha256sum, shasum or openssl"
  [ -f SHA256SUMS ] || fail 3 "SHA256SUMS is missing: copy the whole folder again"
  [ -f kit.txt ] || fail 3 "kit.txt is missing: copy the whole folder again"
  grep -q -x -F -- "$(sha256 <kit.txt)  kit.txt" SHA256SUMS ||
    fail 3 "kit.txt is damaged: its sha256 is not what SHA256SUMS says; copy it again"
  [ "$(sed -n 1p kit.txt)" = 'kit 1' ] || fail 3 "kit.txt is of a later form than this load.sh reads"
  check_form
}

# What is not as the head of this file says could be taken for an option or a command further on.
check_form() {
  digest='[0-9a-z]+:[0-9a-f]+' digests='(-|[0-9a-z:,]+)'
  if grep -q '[[:cntrl:]]' kit.txt || grep -q -v -x -E -e 'kit 1|(bundle|file) [^-/ ][^/]*|thin (yes|no)|base [0-9]+ .*' \
    -e "format tar(\.zst|\.gz)?|lists $digest|fingerprint [0-9a-f ]+|bytes [0-9]+" \
    -e "image [0-9]+ (-|[^- ][^ ]*) [^ ]+ $digest [0-9]+|artifact [0-9]+ [^ ]+ $digest [0-9]+" \
    -e "platform [0-9]+ [^ ]+ $digest $digests $digests $digests (-|[0-9,]+)" kit.txt; then
    fail 3 "kit.txt has a line that no kit has: ferry did not write it"
  fi
  [ ! -f parts.txt ] || ! grep -q -v -x -E '(index|manifest) [0-9]+ .*|blobs [0-9]+( blobs/[0-9a-z]+/[0-9a-f]+)+' parts.txt ||
    fail 3 "parts.txt has a line that no kit has: ferry did not write it"
}

verify_files() {
  faults=0
  : >"$work/verified"
  while read -r sum name || [ -n "$sum" ]; do
    if [ ! -f "$name" ]; then
      warn "$(called "$name") is missing"
    elif [ "$(sha256 <"./$name")" != "$sum" ]; then
      warn "$(called "$name") is damaged, or cannot be read: its sha256 is not what SHA256SUMS says"
    else
      printf '%s\n' "$name" >>"$work/verified"
      continue
    fi
    faults=$((faults + 1))
  done <SHA256SUMS
  [ "$faults" = 0 ] || fail 3 "nothing was loaded: copy what is named above again, from where it is whole"
  fact file >"$work/needed"
  [ "$way" = whole ] || echo parts.txt >>"$work/needed"
  while read -r name; do
    grep -q -x -F -- "$name" "$work/verified" || fail 3 "$(called "$name") is not in SHA256SUMS: this is no whole kit"
  done <"$work/needed"
  say "files: all $(grep -c . "$work/verified") are whole"
}

verify_signature() {
  if [ -z "$signers" ]; then
    if [ -f SHA256SUMS.sig ]; then
      say "signature: there is one that nobody has checked; --allowed-signers FILE does, with keys that you trust"
    else
      say "signature: none; to be sure who packed this, have the sender read out the fingerprint"
    fi
    return
  fi
  has ssh-keygen || fail 7 "ssh-keygen, which checks signatures, is not here: install the OpenSSH client"
  [ -f "$signers" ] || fail 5 "$signers: no such file of allowed signers"
  [ -f SHA256SUMS.sig ] || fail 3 "unsigned: there is no SHA256SUMS.sig, and a signature was asked for"
  if [ -z "$identity" ]; then
    identity=$(ssh-keygen -Y find-principals -s SHA256SUMS.sig -f "$signers" 2>"$work/said" | sed -n 1p)
  fi
  if [ -n "$identity" ] && ssh-keygen -Y verify -f "$signers" -I "$identity" -n image-ferry -s SHA256SUMS.sig \
    <SHA256SUMS >"$work/said" 2>&1; then
    say "signature: good, by $identity"
    return
  fi
  case $(cat "$work/said") in
    *'incorrect signature'*) fail 3 "changed: SHA256SUMS is not what was signed" ;;
    *'has expired'*) fail 3 "expired: the key that signed this is no longer allowed by $signers" ;;
    *'not yet valid'*) fail 3 "too early: the key that signed this is not allowed yet by $signers" ;;
    *namespace*) fail 3 "wrong purpose: the key or the signature is not for the namespace image-ferry" ;;
    *'parse signature'*) fail 3 "the signature cannot be read: SHA256SUMS.sig is no signature of SSH" ;;
    *[Pp]rincipal* | 'Could not verify signature.')
      key=$(ssh-keygen -Y check-novalidate -n image-ferry -s SHA256SUMS.sig <SHA256SUMS 2>/dev/null |
        sed -n 's/.* key \(SHA256:[^ ]*\).*/\1/p')
      expected='its lines read NAME KEYTYPE KEY'
      if grep -q -E '^(ssh|ecdsa|sk)-[^ ]+ +AAAA' "$signers"; then
        expected='it has a public key alone: put a name before it (NAME KEYTYPE KEY)'
      fi
      fail 3 "not allowed: $signers does not allow the key that signed this${key:+, $key}${identity:+, for $identity}; $expected"
      ;;
    *) fail 3 "the signature cannot be read: $(sed -n '$p' "$work/said")" ;;
  esac
}

# The bundle, joined.
stream() {
  while read -r kind name; do
    if [ "$kind" = file ]; then cat "./$name" || return 1; fi
  done <kit.txt
}

expand() {
  case $format in
    tar.zst) zstd -q -d -c ;;
    tar.gz) gzip -d -c ;;
    *) cat ;;
  esac
}

# What unpacking the bundle here needs and is not there, in words.
lacking_programs() {
  case $format in
    tar.zst) has zstd || echo zstd ;;
    tar.gz) has gzip || echo gzip ;;
  esac
  if [ "${1-}" = tar ]; then has tar || echo tar; fi
}

# The fingerprint is the beginning of the sha256 of the bundle's lists, which lead to all that is in it.
compute_fingerprint() {
  # shellcheck disable=SC2046 # one word for each program
  set -- $(lacking_programs tar)
  if [ $# != 0 ]; then
    say "fingerprint: $fingerprint, as kit.txt says; to compute it, this machine lacks: $*"
    return
  fi
  found=$(stream | expand | tar -xOf - index.json manifest.json | sha256)
  [ "sha256:$found" = "$(fact lists)" ] || fail 3 "the lists in the bundle are not those that kit.txt names"
  say "fingerprint: $fingerprint, computed from the bundle"
}

# --- the engine ------------------------------------------------------------------------------------------------------

run() { "$engine" "$@" </dev/null; }

# Whether $engine answers; then also what it is: $family is graphdriver, containerd or podman.
ask_engine() {
  case $(run --version 2>&1) in *[Pp]odman*) family=podman ;; *) family=graphdriver ;; esac
  if [ "$family" = podman ]; then
    answer=$(run info --format '{{.Version.Version}} {{.Host.OS}}/{{.Host.Arch}}' 2>"$work/said") || return 1
    version=${answer%% *}
    platform=${answer##* }
    return
  fi
  answer=$(run version --format '{{.Server.Version}} {{.Server.Os}}/{{.Server.Arch}} {{.Server.APIVersion}} {{range .Server.Components}}{{.Name}},{{end}}' \
    2>"$work/said") || return 1
  # shellcheck disable=SC2086 # four words
  set -- $answer
  version=$1 platform=$2 api=$3
  case $answer in *Podman*) family=podman ;; esac
  case $(run info --format '{{.DriverStatus}}' 2>/dev/null) in *io.containerd.snapshotter*) family=containerd ;; esac
}

find_engine() {
  if [ -n "$engine" ]; then
    has "$engine" || fail 4 "$engine: no such program"
    ask_engine || fail 4 "$engine does not answer: $(sed -n '$p' "$work/said")"
  else
    for engine in docker podman ''; do
      [ -n "$engine" ] || fail 4 "neither docker nor podman answers here; --engine PATH names another client"
      has "$engine" || continue
      ask_engine && break
      warn "$engine does not answer: $(sed -n '$p' "$work/said")"
    done
  fi
  case $family in
    graphdriver) store=' with a graph driver' ;;
    containerd) store=' with the containerd image store' ;;
    *) store='' ;;
  esac
  say "engine: $engine, $([ "$family" = podman ] && echo Podman || echo Docker) $version$store"
}

# How the images go in, and what that takes; fails before anything is changed.
choose_way() {
  way=whole
  # Stock Podman takes a bundle that leaves out layers only with one image in it.
  if [ "$family" = podman ] && [ "$thin" = yes ] && [ "$count" -gt 1 ]; then way=parts; fi
  if [ "$picked" != "$count" ]; then way=parts; fi
  unpack=no
  if [ "$way" = parts ]; then
    # shellcheck disable=SC2046 # one word for each program
    set -- $(lacking_programs tar)
    [ $# = 0 ] || fail 7 "the bundle must be taken apart here (one archive an image), and this machine lacks: $*"
    check_space
  elif [ "$family" = graphdriver ] && [ "$format" = tar.zst ] && [ "${version%%.*}" -lt 23 ] 2>/dev/null; then
    unpack=yes
    # shellcheck disable=SC2046 # one word for each program
    set -- $(lacking_programs)
    [ $# = 0 ] || fail 7 "Docker $version reads no zstd, and there is no zstd program here: install zstd, or ask for a" \
      "kit packed with --format tar.gz; nothing was changed"
  elif [ "$family" = podman ] && [ "$format" = tar.gz ] && has gzip; then
    unpack=yes # Podman 4 misreads gzip around several images
  fi
}

# Taken apart, the bundle lies in the temporary folder once.
check_space() {
  need=$(fact bytes)
  if [ "$picked" != "$count" ]; then
    own=0
    for n in $chosen; do own=$((own + $(field "$n" 4))); done
    [ "$own" -gt "$need" ] || need=$own
  fi
  free=$(df -P -k "$work" 2>/dev/null | sed -n '$s/.* \([0-9][0-9]*\)  *[0-9][0-9]*% .*/\1/p')
  say "temporary space: $(megabytes "$need") in ${TMPDIR:-/tmp}"
  [ -z "$free" ] || [ "$((free * 1024))" -gt "$need" ] ||
    fail 7 "${TMPDIR:-/tmp} has only $(megabytes $((free * 1024))) free: set TMPDIR to a folder with more"
}

# --- the images ------------------------------------------------------------------------------------------------------

field() { # IMAGE NUMBER: of its line: 1 the full name, 2 the short one, 3 the digest, 4 bytes
  fact "image $1" | cut -d' ' -f"$2"
}

# The numbers of the images that are asked for.
choose_images() {
  count=$(grep -c '^image ' kit.txt)
  picked=0 chosen=''
  while read -r kind n full short rest; do
    [ "$kind" = image ] || continue
    if [ -f "$work/only" ]; then is_asked_for || continue; fi
    chosen="$chosen $n"
    picked=$((picked + 1))
  done <kit.txt
  [ -f "$work/only" ] || return
  while read -r pattern; do
    grep -q -x -F -- "$pattern" "$work/matched" 2>/dev/null || fail 5 "--only $pattern: no such image; kit.txt lists all"
  done <"$work/only"
}

is_asked_for() {
  asked=1
  while read -r pattern; do
    for known in "$full" "${full%:*}" "$short" "${short%:*}"; do
      # shellcheck disable=SC2254 # it is a pattern
      case $known in $pattern) ;; *) continue ;; esac
      printf '%s\n' "$pattern" >>"$work/matched"
      asked=0
    done
  done <"$work/only"
  return "$asked"
}

# The platform of an image that the engine takes: its words after the number.
own() { # IMAGE
  if [ "$family" != graphdriver ]; then
    line=$(sed -n "s|^platform $1 \($platform\(/[^ ]*\)\{0,1\} .*\)|\1|p" kit.txt | sed -n 1p)
    [ -z "$line" ] || { say "$line"; return; }
  fi
  fact "platform $1" | sed -n 1p
}

# Asks the engine what it has, in two questions however many images there are: $names, =NAME ID a line, in full; and of
# those that the kit has, too, $layers, ID LAYERS a line. Fails when it does not answer. No files: a disk may be full.
look() {
  names=$(run image ls --no-trunc --format '{{.Repository}}:{{.Tag}} {{.ID}}' 2>>"$work/said") || return 1
  names=$(say "$names" |
    sed -e 's|^\([^/ ]*\) |docker.io/library/\1 |' -e '/^localhost\//!s|^\([^/.:A-Z ]*/\)|docker.io/\1|' \
      -e 's| sha256:| |' -e 's|^\(.*\) |=\1 sha256:|')
  # The containerd store calls an image by its manifest or index, the others by its config.
  if [ "$family" = containerd ]; then set -- image 5; else set -- platform 4; fi
  # RootFS as a whole: of a broken image it is empty, and asking for its layers would be an error.
  # shellcheck disable=SC2046 # one word for each image
  set -- $(grep "^$1 " kit.txt | cut -d' ' -f"$2" | sort -u)
  layers=$(run image inspect --format '{{.Id}} {{json .RootFS}}' "$@" 2>/dev/null |
    sed -e 's/^sha256://; s/^/sha256:/' -e 's/ [^[]*\[/ /; s/\].*//; s/ {.*/ /; s/"//g')
}

id_of() { # NAME: the image ID that it leads to; fails when it leads nowhere
  say "$names" | grep -F -- "=$1 " | cut -d' ' -f2 | grep .
}

# Whether the engine's image ID is image IMAGE of the kit, layers included.
is_right() { # IMAGE ID
  seen=$(say "$layers" | sed -n "s/^$2 /=/p" | sed -n 1p)
  [ -n "$seen" ] || return 1
  seen=${seen#=} seen_id=$2
  if [ "$family" = containerd ]; then
    [ "$2" = "$(field "$1" 3)" ] || return 1
    seen_id='[^ ]*'
  fi
  grep -q "^platform $1 [^ ]* $seen_id ${seen:--} " kit.txt
}

there() { # IMAGE: its ID; fails when the engine has it not, or its name leads elsewhere
  name=$(field "$1" 1)
  if [ "$name" != - ]; then found=$(id_of "$name")
  elif [ "$family" = containerd ]; then found=$(field "$1" 3)
  else found=$(own "$1" | cut -d' ' -f2)
  fi
  is_right "$1" "$found" && say "$found"
}

# --- what a thin bundle relies on ------------------------------------------------------------------------------------

check_base() {
  [ "$thin" = yes ] || return 0
  # One line for each image there: =diffID,diffID,
  # shellcheck disable=SC2046 # one word for each image
  set -- $(run image ls -a -q --no-trunc 2>/dev/null | sort -u)
  have=''
  [ $# = 0 ] || have=$(run image inspect --format '{{json .RootFS}}' "$@" 2>/dev/null |
    sed -n 's/^[^[]*\[\(.*\)\].*/=\1,/p' | sed 's/[" ]//g')
  lacking=0 bases=''
  for n in $chosen; do
    # shellcheck disable=SC2046 # OS/ARCH ID LAYERS CHAIN RELIED BASES
    set -- $(own "$n")
    [ "$5" != - ] || continue
    gone='' whole=yes
    for layer in $(say "$5" | tr , ' '); do
      case $have in *"$layer,"*) ;; *) gone="$gone $(printf '%.12s' "${layer#sha256:}")" ;; esac
    done
    # A graph driver knows a layer only with all that is below it.
    if [ "$family" = graphdriver ]; then case $have in *"=$4,"*) ;; *) whole=no ;; esac; fi
    [ -n "$gone" ] || [ "$whole" = no ] || continue
    lacking=$((lacking + 1)) bases="$bases,$6"
    if [ -n "$gone" ]; then warn "$(field "$n" 2) relies on layers that are not here:$gone"
    else warn "$(field "$n" 2) relies on layers that are here only in another order"
    fi
  done
  [ "$lacking" = 0 ] || lacks_base
  say "base: what this thin bundle leaves out is here"
}

lacks_base() {
  for n in $(say "$bases" | tr , '\n' | sort -u); do warn "load $(fact "base $n") first"; done
  fail 6 "this engine lacks what the thin bundle leaves out; nothing was changed"
}

# --- loading ---------------------------------------------------------------------------------------------------------

# While the kit is loaded, the image that a name led to before keeps this name.
kept_name() { say "docker.io/ferry-before/$short_print:$1"; }

# Takes a name away. --no-prune: Podman would also remove images without a name below it; old ones do not know it.
untag() { run rmi --no-prune "$1" >/dev/null 2>&1 || run rmi "$1" >/dev/null 2>&1; }

# Notes in $before, NUMBER=ID, what each name leads to, and tags it. A tag of a run that was killed is what was there
# before it.
keep_old() {
  for n in $chosen; do
    name=$(field "$n" 1)
    [ "$name" != - ] || continue
    kept=$(kept_name "$n")
    old=$(id_of "$name") || old=-
    if left=$(id_of "$kept") && { [ "$old" = - ] || is_right "$n" "$old"; }; then
      before="$before $n=$left"
    else
      before="$before $n=$old"
      [ "$old" = - ] || run tag "$name" "$kept" >>"$work/said" 2>&1 || return 1
    fi
  done
}

# Every name leads again to what it led to before. A load whose client was cut off may go on in the engine for a while:
# then this looks until nothing has moved for two seconds.
put_back() {
  finish
  calm=0 tries=0
  while [ "$calm" -lt "$settle" ] && [ "$tries" -lt 10 ]; do
    [ "$calm" = 0 ] || sleep 2
    calm=$((calm + 1)) tries=$((tries + 1))
    look || lost_sight || return 0
    for pair in $before; do
      n=${pair%%=*} old=${pair#*=}
      name=$(field "$n" 1)
      now=$(id_of "$name") || now=-
      if [ "$now" = "$old" ]; then continue; fi
      calm=0
      if [ "$old" = - ]; then untag "$name"; else run tag "$(kept_name "$n")" "$name" >&2; fi
    done
  done
  lost=0
  for pair in $before; do
    n=${pair%%=*} old=${pair#*=}
    name=$(field "$n" 1) kept=$(kept_name "$n")
    now=$(id_of "$name") || now=-
    if [ "$now" = "$old" ]; then
      if id_of "$kept" >/dev/null; then untag "$kept"; fi
      continue
    fi
    lost=$((lost + 1))
    warn "$name could not be put back$(if [ "$old" != - ]; then say ": what it led to before is kept as $kept"; fi)"
  done
  [ "$lost" != 0 ] || warn "every name leads to what it led to before"
}

lost_sight() {
  warn "$engine answers no more: where names lead is not known; what they led to before is kept as $(kept_name '*')"
  return 1
}

# Takes the temporary names away. The last name of an image would take the image with it, so each moves on first.
drop_kept() {
  finish
  for n in $chosen; do
    kept=$(kept_name "$n")
    id_of "$kept" >/dev/null || continue
    if run tag "$(field "$n" 1)" "$kept" >/dev/null 2>&1 && untag "$kept"; then continue; fi
    warn "$kept: this name could not be removed"
  done
}

# A pipe's exit status is that of its last part; the others leave theirs in $work/failed.
failed() { say "$*" >>"$work/failed"; }

# Loads an archive from standard input.
load() {
  # With a platform, the containerd store says of an image that it is not whole.
  if "$engine" load -q ${strict:+--platform} ${strict:+"$strict"} >>"$work/said" 2>&1; then
    cat >/dev/null # so that whoever writes has a reader to the end
  else
    [ $? -lt 128 ] || : >"$work/cut"
    failed "$engine load"
  fi
}

load_whole() {
  { stream || failed "reading the bundle"; } |
    if [ "$unpack" = yes ]; then expand || failed "decompressing the bundle"; else cat; fi | load
}

# One archive an image: the files of all of them lie in the temporary folder once.
load_parts() {
  mkdir "$work/parts" || return 1
  set --
  for n in $chosen; do
    for blob in $(part blobs "$n"); do
      case " $* " in *" $blob "*) ;; *) set -- "$@" "$blob" ;; esac
    done
  done
  { stream || failed "reading the bundle"; } | { expand || failed "decompressing the bundle"; } |
    { tar -xf - -C "$work/parts" "$@" || failed "unpacking the bundle"; }
  printf '{"imageLayoutVersion":"1.0.0"}' >"$work/parts/oci-layout"
  for n in $chosen; do
    [ ! -s "$work/failed" ] || return 1
    part index "$n" >"$work/parts/index.json"
    part manifest "$n" >"$work/parts/manifest.json"
    # shellcheck disable=SC2046 # one word for each blob
    { tar -cf - -C "$work/parts" oci-layout index.json manifest.json $(part blobs "$n") || failed "packing an image"; } | load
  done
}

part() { sed -n "s/^$1 $2 //p" parts.txt; } # KIND IMAGE

# Where the client can say so, and all images are for one platform: this one.
choose_strict() {
  strict='' unproven=''
  if [ "$thin" = no ] || [ "$family" != containerd ]; then return; fi
  only_platform=$(fact 'platform [0-9]*' | cut -d' ' -f1 | sort -u)
  case $api in 1.[0-9] | 1.[0-3][0-9] | 1.4[0-7]) only_platform= ;; esac
  case $only_platform in
    '' | *[!a-z0-9/._-]*) ;; # several are several lines
    *) case $(run load --help 2>&1) in *--platform*) strict=$only_platform ;; esac ;;
  esac
  [ -n "$strict" ] || unproven=', not proven: this engine does not say whether all layers are there; docker save would'
}

all_right() {
  wrong=0
  look || return 1
  for n in $chosen; do
    if there "$n" >/dev/null; then continue; fi
    wrong=$((wrong + 1))
    [ -s "$work/failed" ] || warn "$(field "$n" 2) is not the image that the kit brings"
  done
  # Docker with the containerd store ends with 0 and this line when a layer is wrong or missing.
  if [ -s "$work/failed" ] || grep -q 'Error unpacking' "$work/said"; then wrong=$((wrong + 1)); fi
  [ "$wrong" = 0 ]
}

load_images() {
  : >"$work/said"
  : >"$work/failed"
  choose_strict
  phase=loading
  if keep_old; then
    say "loading: $picked of $count images"
    "load_$way" || failed "unpacking the bundle"
  else
    failed "keeping the old images by a tag"
  fi
  if all_right; then
    drop_kept
    return
  fi
  tail -n 20 "$work/said" | sed 's/^/  /' >&2
  while read -r what; do warn "$what failed"; done <"$work/failed"
  [ ! -f "$work/cut" ] || settle=2
  put_back
  if [ "$thin" = yes ] && grep -q -i -e 'not found' -e notfound -e 'no such file' \
    -e 'tarfiles are missing' -e 'provide the requested platform' "$work/said"; then
    fail 6 "the engine has not all that the thin bundle leaves out, or has it compressed: load the full bundle"
  fi
  fail 4 "not loaded"
}

# Whether nothing needs to be done. The containerd store has to prove its images by taking them again.
all_there() {
  look || fail 4 "$engine does not list its images: $(sed -n '$p' "$work/said"); nothing was changed"
  for n in $chosen; do if there "$n" >/dev/null; then had="$had $n"; fi; done
  [ "$family" != containerd ] && [ "$had" = "$chosen" ]
}

# What became of an image that is there.
fate() { # IMAGE ID
  case "$had " in *" $1 "*) say "was there already" && return ;; esac
  old=$(say "$before" | tr ' ' '\n' | sed -n "s/^$1=sha256://p" | cut -c1-12)
  if [ -n "$old" ]; then say "name moved from $old to $2"; else say loaded; fi
}

summary() {
  for n in $chosen; do
    id=$(there "$n" | cut -c8-19)
    say "  $(field "$n" 2)  $id  $(fate "$n" "$id")${unproven-}"
  done
  fact artifact | while read -r n short rest; do say "  $short  carried; no image, so it is not for engines"; done
  say "done: $picked of $count images are there"
}

# --- the run ---------------------------------------------------------------------------------------------------------

engine='' signers='' identity='' check=no phase=before api='' way=whole settle=1 had='' before=''
here=$(pwd)
# A relative path is meant from where the caller stands.
from_here() { case $1 in /*) say "$1" ;; *) say "$here/$1" ;; esac; }

work=$(mktemp -d "${TMPDIR:-/tmp}/ferry-kit.XXXXXX") || fail 7 "no temporary folder in ${TMPDIR:-/tmp}: set TMPDIR"
trap 'rm -rf "$work"' EXIT
# What the engine says is kept there; this file is larger than that.
{ cat "$0" >"$work/room" && rm "$work/room"; } 2>/dev/null ||
  fail 7 "no space in ${TMPDIR:-/tmp}: set TMPDIR to a folder with more"
finish() { trap '' HUP INT TERM PIPE; } # from here on to the end
exec 3>&2
interrupted() { # STATUS
  finish
  exec 2>&3 # it may be a command with its output elsewhere that was interrupted
  warn "interrupted"
  settle=2
  [ "$phase" != loading ] || put_back
  exit "$1"
}
trap 'interrupted 129' HUP
trap 'interrupted 130' INT
trap 'interrupted 143' TERM
trap 'interrupted 141' PIPE # somebody reads only the first lines

while [ $# -gt 0 ]; do
  case $1 in
    --engine | --only | --allowed-signers | --identity) [ $# -gt 1 ] || fail 2 "$1: a value is missing" ;;
  esac
  case $1 in
    --engine)
      case $2 in */*) engine=$(from_here "$2") ;; *) engine=$2 ;; esac
      shift
      ;;
    --only) printf '%s\n' "$2" >>"$work/only" && shift ;;
    --allowed-signers) signers=$(from_here "$2") && shift ;;
    --identity) identity=$2 && shift ;;
    --check) check=yes ;;
    --help | -h) usage && exit 0 ;;
    *) usage >&2 && fail 2 "$1: no such option" ;;
  esac
  shift
done

cd "$(dirname "$0")" || fail 7 "the folder of $0 cannot be entered"
verify_kit
format=$(fact format) thin=$(fact thin) fingerprint=$(fact fingerprint)
short_print=$(say "$fingerprint" | tr -d ' ')
say "kit: $(fact bundle), fingerprint $fingerprint"
choose_images
if [ "$check" = no ]; then
  find_engine
  choose_way
fi
verify_files
verify_signature
if [ "$check" = yes ]; then
  compute_fingerprint
  exit 0
fi
check_base
if all_there; then
  say "loading: not needed, all are there"
  drop_kept
else
  load_images
fi
summary
