# Answer the checks that follow: one unloop-checks line, one unloop-boot line. Changes nothing. Comes after guards.sh.

ANSWERS=''

# Arguments: text kind arguments...
check() {
    text=$1
    shift
    answer "$@"
    ANSWERS="$ANSWERS${ANSWERS:+,}{\"check\":$(json "$text"),\"holds\":$HOLDS,\"message\":$(json "$REASON")}"
}

finish() {
    printf 'unloop-checks [%s]\n' "$ANSWERS"
    say_boot
}
