#!/bin/sh
# Kedge hook for a U-Boot environment, alone or below SWUpdate. The environment must be redundant (two copies), so that a
# torn write leaves the old one; each verb is then one write. Needs fw_printenv and fw_setenv (libubootenv or u-boot-tools).
#
#   KEDGE_SLOT_VAR   variable that names the slot to start; default boot_slot
#   KEDGE_RUNNING    name of the slot that runs; default: the value of kedge.slot= on the kernel's command line
#   KEDGE_USTATE     1: keep SWUpdate's ustate too (0 settled, 1 installed, 3 failed); default 0
#
# U-Boot counts starts in bootcount while upgrade_available is 1, and beyond bootlimit runs altbootcmd, which must set the
# slot back and upgrade_available to 0:
#
#   altbootcmd=if test ${boot_slot} = A; then setenv boot_slot B; else setenv boot_slot A; fi;
#              setenv upgrade_available 0; setenv bootcount 0; saveenv; run bootcmd
set -eu

variable=${KEDGE_SLOT_VAR:-boot_slot}

fail() {
    echo "$1" >&2
    exit 1
}

running() {
    if [ -n "${KEDGE_RUNNING:-}" ]; then
        echo "$KEDGE_RUNNING"
    else
        sed -n 's/.*\bkedge\.slot=\([A-Za-z0-9._-]*\).*/\1/p' /proc/cmdline
    fi
}

value() {
    fw_printenv -n "$1" 2>/dev/null || true
}

# Writes the given "name value" lines, and ustate $1 if it is kept, as one change.
change() {
    ustate=$1
    shift
    if [ "${KEDGE_USTATE:-0}" = 1 ]; then
        set -- "$@" "ustate $ustate"
    fi
    printf '%s\n' "$@" | fw_setenv -s -
    sync
}

runs=$(running)
[ -n "$runs" ] || fail "it is not known which slot runs"

case ${1:-} in
status)
    next=$(value "$variable")
    if [ "$(value upgrade_available)" != 1 ]; then
        echo standing=settled
    elif [ "$next" = "$runs" ]; then
        echo standing=on-trial
    else
        echo standing=pending
    fi
    ;;
stage)
    [ "$KEDGE_SLOT" != "$runs" ] || fail "slot $KEDGE_SLOT runs"
    change 1 "kedge_from $runs" "$variable $KEDGE_SLOT" "bootcount 0" "upgrade_available 1"
    ;;
confirm)
    change 0 "$variable $runs" "bootcount 0" "upgrade_available 0"
    ;;
reject)
    from=$(value kedge_from)
    [ -n "$from" ] && [ "$from" != "$runs" ] || fail "there is no slot to go back to"
    change 3 "$variable $from" "bootcount 0" "upgrade_available 0"
    ;;
*)
    echo "usage: $0 status|stage|confirm|reject" >&2
    exit 2
    ;;
esac
