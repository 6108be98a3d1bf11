#!/bin/sh
# Kedge hook for RAUC: the image was made in the slot named KEDGE_SLOT (RAUC's boot name, for example A or B), RAUC and its
# boot loader decide what starts. Needs RAUC's service, and a directory that both slots share.
#
#   KEDGE_STATE   that directory; default /var/lib/kedge
#
# RAUC knows "good" and "bad", not "on trial"; so the slot on trial is kept in the file "trial" there. It is written
# before RAUC is told, and removed after, so a cut between the two only repeats a verb.
set -eu

state=${KEDGE_STATE:-/var/lib/kedge}
trial=$state/trial

fail() {
    echo "$1" >&2
    exit 1
}

# Sets booted (boot name of what runs) and primary (boot name of what starts next). RAUC quotes what it prints here.
look() {
    status=$(rauc status --output-format=shell)
    eval "$status"
    booted=$RAUC_SYSTEM_BOOTED_BOOTNAME
    primary=
    # the names of the slots stand in the order of their numbers
    # shellcheck disable=SC2086
    set -- $RAUC_SYSTEM_SLOTS
    for number in $RAUC_SLOTS; do
        if [ "$1" = "$RAUC_BOOT_PRIMARY" ]; then
            eval "primary=\$RAUC_SLOT_BOOTNAME_$number"
        fi
        shift
    done
    [ -n "$booted" ] || fail "RAUC does not know which slot runs"
}

on_trial() {
    [ -f "$trial" ] && [ "$(cat "$trial")" = "$1" ]
}

case ${1:-} in
status)
    look
    if on_trial "$booted"; then
        echo standing=on-trial
    elif [ -n "$primary" ] && [ "$primary" != "$booted" ] && on_trial "$primary"; then
        echo standing=pending
    else
        echo standing=settled
    fi
    ;;
stage)
    look
    [ "$KEDGE_SLOT" != "$booted" ] || fail "slot $KEDGE_SLOT runs"
    mkdir -p "$state"
    printf '%s\n' "$KEDGE_SLOT" >"$trial.new"
    sync
    mv "$trial.new" "$trial"
    sync
    rauc status mark-active other
    sync
    ;;
confirm)
    rauc status mark-good booted
    rauc status mark-active booted
    rm -f "$trial"
    sync
    ;;
reject)
    rauc status mark-bad booted
    rauc status mark-active other
    rm -f "$trial"
    sync
    ;;
*)
    echo "usage: $0 status|stage|confirm|reject" >&2
    exit 2
    ;;
esac
