# Listing, guards and checks: the first part of remedy.sh and of verify.sh. Static: the calls that follow it vary, this does not.
#
# POSIX sh (dash, bash, busybox ash). Programs used: stat -c, od, sha256sum, cut, tr, sed, date -u -d @N, expr, mv -n, mkdir -p, rm,
# base64 -d, sync; for checks systemctl or service. All of them are in busybox too.
# The guards are those of unloop.model.files: times are whole seconds since 1970 in UTC, '' for none; hex is lowercase.

set -u
LC_ALL=C
export LC_ALL
PATH="$PATH:/usr/sbin:/usr/bin:/sbin:/bin"
REASON=''

# A JSON string. Control characters, which a JSON string can't hold, become question marks.
json() {
    case $1 in
    *[!A-Za-z0-9_./:\ ,\;=+@-]*)
        printf '"%s"' "$(printf '%s' "$1" | tr '\001-\037\177' '????????????????????????????????' |
            sed -e 's/\\/\\\\/g' -e 's/"/\\"/g')"
        ;;
    *) printf '"%s"' "$1" ;;
    esac
}

# GUARD_*: header from before size_min size_max hashes good_sibling_from
guard() {
    GUARD_HEADER=$1 GUARD_FROM=$2 GUARD_BEFORE=$3 GUARD_MIN=$4 GUARD_MAX=$5 GUARD_HASHES=$6 GUARD_SIBLING=$7
    GOOD_SIBLING=''
}

# Whether the files below a directory prefix can be told: a missing directory has none, one that can't be read is an error.
readable() {
    up=$1
    while [ ! -d "$up" ] && [ "$up" != / ]; do
        up=${up%/}
        up=${up%/*}/
    done
    if [ ! -x "$up" ] || { [ "$up" = "$1" ] && [ ! -r "$up" ]; }; then
        REASON="$up: permission denied"
        return 1
    fi
}

# Regular files alone: no directories, links or devices.
is_meant() {
    [ -f "$1" ] && [ ! -L "$1" ] || return 1
    # shellcheck disable=SC2254 # the pattern is to act as a pattern
    case ${1##*/} in
    $2) return 0 ;;
    esac
    return 1
}

facts() {
    found=$(stat -c '%s %Y' "$1" 2>/dev/null) || {
        REASON="$1: its size and time can't be read"
        return 1
    }
    SIZE=${found% *} MTIME=${found#* } HEADER='' SHA='' MOVED=''
}

# Sets GOOD_SIBLING when any of the files is recent enough.
look_for_sibling() {
    [ -n "$GUARD_SIBLING" ] || return 0
    for sibling in "$@"; do
        facts "$sibling" || return 1
        if [ "$MTIME" -ge "$GUARD_SIBLING" ]; then
            GOOD_SIBLING=yes
        fi
    done
}

in_range() {
    [ -z "$GUARD_FROM" ] || [ "$MTIME" -ge "$GUARD_FROM" ] || return 1
    [ -z "$GUARD_BEFORE" ] || [ "$MTIME" -lt "$GUARD_BEFORE" ] || return 1
    [ -z "$GUARD_MIN" ] || [ "$SIZE" -ge "$GUARD_MIN" ] || return 1
    [ -z "$GUARD_MAX" ] || [ "$SIZE" -le "$GUARD_MAX" ] || return 1
}

# Sets SIZE, MTIME, HEADER, SHA and JUDGEMENT of one file; fails when it can't be judged.
judge() {
    facts "$1" || return 1
    JUDGEMENT=match
    if [ -n "$GOOD_SIBLING" ]; then
        JUDGEMENT=good_sibling
    elif ! in_range; then
        JUDGEMENT=out_of_range
    fi
    [ "$JUDGEMENT" = match ] && [ -n "$GUARD_HEADER$GUARD_HASHES" ] || return 0
    if [ ! -r "$1" ]; then
        REASON="$1: permission denied"
        return 1
    fi
    if [ -n "$GUARD_HEADER" ]; then
        HEADER=$(od -A n -v -t x1 -N "$((${#GUARD_HEADER} / 2))" "$1" | tr -d ' \n')
        if [ "$HEADER" != "$GUARD_HEADER" ]; then
            JUDGEMENT=suspicious
            return 0
        fi
    fi
    if [ -n "$GUARD_HASHES" ]; then
        hash_file "$1" || return 1
        case " $GUARD_HASHES " in
        *" $SHA "*) ;;
        *) JUDGEMENT=suspicious ;;
        esac
    fi
}

hash_file() {
    SHA=$(sha256sum <"$1" | cut -c1-64)
    if [ "${#SHA}" -ne 64 ]; then
        REASON="$1: it can't be hashed"
        SHA=''
        return 1
    fi
}

# Whether a file fits a pattern and its guard; 2 when that can't be told. Arguments: prefix pattern guard...
is_present() {
    prefix=$1 pattern=$2
    shift 2
    guard "$@"
    readable "$prefix" || return 2
    set --
    for file in "$prefix"* "$prefix".[!.]* "$prefix"..?*; do
        if is_meant "$file" "$pattern"; then
            set -- "$@" "$file"
        fi
    done
    look_for_sibling "$@" || return 2
    for file in "$@"; do
        judge "$file" || return 2
        if [ "$JUDGEMENT" = match ]; then
            return 0
        fi
    done
    return 1
}

service_runs() {
    if command -v systemctl >/dev/null 2>&1; then
        systemctl is-active --quiet "$1"
    elif command -v service >/dev/null 2>&1; then
        service "$1" status >/dev/null 2>&1
    else
        REASON='neither systemctl nor service is there to ask'
        return 2
    fi
}

# Kernel crashes since a time: dumps of kdump and records of pstore. Since the remedy landed one is allowed: the crash of the boot
# in which it landed. Arguments: seconds landed
no_crash() {
    allowed=0 since=$(($(date +%s) - $1))
    if [ "$1" -eq 0 ]; then
        allowed=1 since=$2
        case $2 in
        @*) since=$(sed -n 's/^btime //p' /proc/stat) ;;
        esac
    fi
    crashes=0
    for dump in /var/crash/*/ /sys/fs/pstore/dmesg-*; do
        if [ -e "$dump" ] && [ "$(stat -c %Y "$dump")" -ge "$since" ]; then
            crashes=$((crashes + 1))
        fi
    done
    [ "$crashes" -le "$allowed" ]
}

# Sets HOLDS to true, false or null. Arguments: kind arguments...
answer() {
    REASON=''
    kind=$1
    shift
    case $kind in
    file_present | file_absent) is_present "$@" ;;
    service_running) service_runs "$@" ;;
    no_bugcheck) no_crash "$@" ;;
    *) REASON="unknown check $kind" ;;
    esac
    told=$?
    HOLDS=null
    if [ -z "$REASON" ] && [ "$told" -eq 0 ]; then
        HOLDS=true
    elif [ -z "$REASON" ] && { [ "$told" -eq 1 ] || [ "$kind" = service_running ]; }; then
        HOLDS=false
    fi
    case $kind$HOLDS in
    file_absenttrue) HOLDS=false ;;
    file_absentfalse) HOLDS=true ;;
    esac
}

# Which boot this is, for whoever compares it with another.
say_boot() {
    if [ -r /proc/sys/kernel/random/boot_id ]; then
        read -r boot </proc/sys/kernel/random/boot_id
        printf 'unloop-boot %s\n' "$boot"
    else
        printf 'unloop-boot\n'
    fi
}
