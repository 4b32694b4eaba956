# Assess the host, carry out the calls that follow one after the other, judge every guard first, print one unloop-report line.
# Comes after guards.sh. Nothing is ever overwritten; what was changed is synced before the next step.

VERDICT='' MESSAGE='' ACTIONS='' DONE='' CHANGED='' STOPPED='' ALL_GOOD=''

unassessed() {
    VERDICT=failed MESSAGE="the host could not be assessed, so nothing was done: $1: $REASON"
}

# Arguments: text kind arguments...
not_applicable_if() {
    [ -z "$VERDICT" ] || return 0
    text=$1
    shift
    answer "$@"
    case $HOLDS in
    true) VERDICT=not_applicable MESSAGE=$text ;;
    null) unassessed "$text" ;;
    esac
}

# Arguments: text kind arguments...
already_good_if() {
    [ -z "$VERDICT" ] && [ "$ALL_GOOD" != no ] || return 0
    text=$1
    shift
    answer "$@"
    case $HOLDS in
    true) ALL_GOOD=yes ;;
    false) ALL_GOOD=no ;;
    null) unassessed "$text" ;;
    esac
}

assessed() {
    if [ -z "$VERDICT" ] && [ "$ALL_GOOD" = yes ]; then
        VERDICT=already_good MESSAGE='the host is as the playbook wants it'
    fi
}

# Add the file last looked at to the step's evidence. Arguments: path
evidence() {
    modified=$(date -u -d "@$MTIME" '+%Y-%m-%dT%H:%M:%S+00:00')
    FILES="$FILES${FILES:+,}{\"path\":$(json "$1"),\"size\":$SIZE,\"modified\":\"$modified\",\"judgement\":\"$JUDGEMENT\""
    FILES="$FILES,\"header\":\"$HEADER\",\"sha256\":\"$SHA\",\"moved_to\":$(json "$MOVED")}"
}

# Sets MOVED. mv -n may leave the file where it is and say nothing: what counts is where the file is afterwards.
move() {
    MOVED=''
    REASON=$(mv -n "$1" "$2" 2>&1) || return 1
    if [ -e "$1" ] || [ ! -f "$2" ]; then
        REASON="$1: it did not move to $2"
        return 1
    fi
    MOVED=$2
}

# Arguments: path quarantine
move_aside() {
    REASON=$( (umask 077 && mkdir -p "$2") 2>&1) || return 1
    base="$2/$(printf '%s' "$1" | sha256sum | cut -c1-64)"
    destination="$base.q"
    number=1
    while [ -e "$destination" ]; do
        destination="$base-$number.q"
        number=$((number + 1))
    done
    move "$1" "$destination"
}

# Move one file aside and hash it there; when it is to be deleted, delete it from there.
take_away() {
    move_aside "$1" "$QUARANTINE" || return 1
    sync
    [ -n "$SHA" ] || hash_file "$MOVED" || {
        SAID="$1: kept in quarantine, for want of its hash"
        return 0
    }
    if [ "$DISPOSITION" = delete ]; then
        if rm -f "$MOVED" 2>/dev/null; then
            MOVED=''
        else
            SAID="$1: kept in quarantine, it can't be deleted"
        fi
        sync
    fi
}

explain() {
    case $STATUS in
    suspicious) SAID='a file fits by date and size, but its header or hash is another' ;;
    already) SAID='a recent enough sibling is there' ;;
    no_match) SAID="$1 files of that name, none in range" ;;
    esac
}

# quarantine and delete. Arguments: disposition prefix pattern quarantine guard...
remove() {
    DISPOSITION=$1 prefix=$2 pattern=$3 QUARANTINE=$4
    shift 4
    guard "$@"
    readable "$prefix" || return 1
    set --
    for file in "$prefix"* "$prefix".[!.]* "$prefix"..?*; do
        if is_meant "$file" "$pattern"; then
            set -- "$@" "$file"
        fi
    done
    look_for_sibling "$@" || return 1
    for file in "$@"; do
        judge "$file" || return 1
    done
    STATUS=no_match suspicious=''
    for file in "$@"; do
        if [ ! -e "$file" ]; then
            continue
        fi
        judge "$file" || return 1
        case $JUDGEMENT in
        match)
            take_away "$file" || {
                evidence "$file"
                return 1
            }
            STATUS=changed
            ;;
        suspicious) suspicious=yes ;;
        good_sibling) STATUS=already ;;
        esac
        evidence "$file"
    done
    [ -z "$suspicious" ] || STATUS=suspicious
    explain "$#"
}

# Arguments: path content sha256
put() {
    guard '' '' '' '' '' '' ''
    directory=${1%/*}
    readable "$directory/" || return 1
    if [ -e "$1" ] || [ -L "$1" ]; then
        judge "$1" && hash_file "$1" || return 1
        STATUS=already SAID='the very file is there'
        if [ "$SHA" != "$3" ]; then
            STATUS=suspicious JUDGEMENT=suspicious SAID='another file is there; nothing is overwritten'
        fi
        evidence "$1"
        return 0
    fi
    REASON=$( (umask 022 && mkdir -p "$directory" && rm -f "$1.unloop-part" &&
        printf '%s' "$2" | base64 -d >"$1.unloop-part") 2>&1) || return 1
    hash_file "$1.unloop-part" || return 1
    if [ "$SHA" != "$3" ]; then
        REASON='the file was not written whole'
        return 1
    fi
    sync
    move "$1.unloop-part" "$1" || return 1
    judge "$1" && hash_file "$1" || return 1
    STATUS=changed
    evidence "$1"
}

# Arguments: path source_prefix source_pattern guard...
restore() {
    path=$1 prefix=$2 pattern=$3
    shift 3
    guard "$@"
    readable "${path%/*}/" || return 1
    if [ -e "$path" ] || [ -L "$path" ]; then
        guard '' '' '' '' '' '' ''
        judge "$path" || return 1
        STATUS=already SAID='a file is there'
        evidence "$path"
        return 0
    fi
    readable "$prefix" || return 1
    set --
    for file in "$prefix"* "$prefix".[!.]* "$prefix"..?*; do
        if is_meant "$file" "$pattern"; then
            set -- "$@" "$file"
        fi
    done
    look_for_sibling "$@" || return 1
    find_newest "$@" || return 1
    if [ -n "$NEWEST" ]; then
        REASON=$( (umask 022 && mkdir -p "${path%/*}") 2>&1) || return 1
    fi
    give_back "$@"
}

# Sets NEWEST and, in case there is none, STATUS: the last in time, then by path, of the files that match.
find_newest() {
    NEWEST='' NEWEST_TIME='' STATUS=no_match SAID='no file to restore from'
    suspicious=''
    for file in "$@"; do
        judge "$file" || return 1
        case $JUDGEMENT in
        good_sibling) STATUS=already ;;
        suspicious) suspicious=yes ;;
        match)
            if [ -z "$NEWEST" ] || [ "$MTIME" -gt "$NEWEST_TIME" ] ||
                { [ "$MTIME" -eq "$NEWEST_TIME" ] && expr "x$file" '>' "x$NEWEST" >/dev/null; }; then
                NEWEST=$file NEWEST_TIME=$MTIME
            fi
            ;;
        esac
    done
    [ -z "$suspicious" ] || STATUS=suspicious
}

give_back() {
    for file in "$@"; do
        judge "$file" || return 1
        if [ "$file" = "$NEWEST" ]; then
            move "$file" "$path" || return 1
            STATUS=changed SAID=''
            hash_file "$path" || SAID='not hashed'
        fi
        evidence "$file"
    done
}

# A script says what it did by a line of its own; silence is 'sent', never success. Arguments: script
run_script() {
    output=$(sh -c "$1" </dev/null 2>/dev/null)
    code=$?
    STATUS=sent lines=0
    while IFS= read -r line; do
        case $line in
        '') ;;
        unloop-changed) STATUS=changed ;;
        unloop-already) [ "$STATUS" = changed ] || STATUS=already ;;
        *)
            lines=$((lines + 1))
            [ "$lines" -gt 20 ] || SAID="$SAID${SAID:+ | }$line"
            ;;
        esac
    done <<END_OF_OUTPUT
$output
END_OF_OUTPUT
    if [ "$code" -ne 0 ]; then
        STATUS=failed SAID="exit code $code${SAID:+ | }$SAID"
    fi
}

# The restart leaves a few seconds for this report to get home.
restart() {
    if [ -n "$DONE" ] && [ -z "$CHANGED" ]; then
        STATUS=already SAID='nothing was changed, so no restart'
        return 0
    fi
    nohup sh -c 'sleep 3; systemctl reboot || reboot || shutdown -r now' >/dev/null 2>&1 </dev/null &
    STATUS=sent SAID='restarting in 3 s'
}

# Stops after a step that failed or found something suspicious: what follows was written for a host that took it.
# Arguments: verb function arguments...
step() {
    [ -z "$VERDICT$STOPPED" ] || return 0
    verb=$1
    shift
    STATUS=failed SAID='' FILES='' REASON=''
    if ! "$@"; then
        STATUS=failed SAID=$REASON
    fi
    ACTIONS="$ACTIONS${ACTIONS:+,}{\"verb\":$(json "$verb"),\"status\":\"$STATUS\",\"message\":$(json "$SAID"),\"files\":[$FILES]}"
    DONE="$DONE $STATUS "
    case $STATUS in
    failed | suspicious) STOPPED=yes ;;
    changed | sent)
        CHANGED=yes
        sync
        ;;
    esac
}

# The worst wins, and 'changed' beats 'already': the order of unloop.model.report.fold.
finish() {
    if [ -z "$VERDICT" ]; then
        case $DONE in
        *' failed '*) VERDICT=failed ;;
        *' suspicious '*) VERDICT=suspicious ;;
        *' changed '*) VERDICT=landed ;;
        *' sent '*) VERDICT=sent ;;
        *' no_match '*) VERDICT=no_match ;;
        *' already '*) VERDICT=already_good ;;
        *) VERDICT=no_match ;;
        esac
    fi
    printf 'unloop-report {"verdict":"%s","actions":[%s],"message":%s}\n' "$VERDICT" "$ACTIONS" "$(json "$MESSAGE")"
    say_boot
}
