# enter.sh FOLDER USER NOTES CALLS COMMAND…: runs a command as a user without rights, who may write to FOLDER alone, and notes
# what it calls. Needs root, and namespaces of its own for mounts and processes.
set -eu
folder=$1 user=$2 notes=$3 calls=$4
shift 4
mount --make-rprivate /
while read -r _ _ _ _ at _; do
    case $at in
    "$folder" | /dev* | /proc* | /sys*) ;;
    *) mount -o remount,ro,bind "$at" ;;
    esac
done </proc/self/mountinfo
# strace keeps the rights that it takes to look into processes that let nobody look, and goes on until the last one has ended:
# programs that tests leave behind end here.
exec strace -f -y -qq -s 4096 -e "$calls" -e signal=none -o "$notes" -u "$user" \
    setpriv --no-new-privs --inh-caps=-all --bounding-set=-all \
    sh -c '"$@"; echo $? >"$TMPDIR/status"; kill -9 -1' sh "$@"
