# install.sh SERVICE PACKAGE…: installs packages on Debian and Ubuntu, as root: the programs, without their service. SERVICE is
# empty where there is none.
set -eu
service=$1
shift
export DEBIAN_FRONTEND=noninteractive

# Debian asks this program before it starts a service: ours says no.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 1' INT TERM
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi

apt-get update
apt-get install -y --no-install-recommends "$@"

# Not at the next boot either: only the program is wanted.
if [ -n "$service" ] && [ -d /run/systemd/system ]; then
    systemctl disable --quiet "$service" || true
fi
