#!/bin/sh
# Boots systemd as PID 1 of a container over the tree $1, under the name $2, until stdin ends, as it does with whoever has
# started this. The other arguments are systemd-nspawn's. It is run as root, in a mount namespace of its own:
# `unshare --mount --propagation private boot.sh …`
set -eu
tree=$1 name=$2
shift 2

# A systemd wants cgroups v2 to itself, which is not what this machine may have mounted.
umount --recursive /sys/fs/cgroup 2>/dev/null || umount --lazy /sys/fs/cgroup
mount -t cgroup2 none /sys/fs/cgroup
group=/sys/fs/cgroup/$name
mkdir "$group"
trap 'find "$group" -depth -type d -exec rmdir {} +' EXIT

# --register=no --keep-unit: no systemd is needed around it. The bpf call and the two capabilities let it filter addresses.
# It cannot find out what it is to boot before /usr is there, so it is told that cgroups v2 will do.
# basic.target: nothing is started that this machine's packages would have started.
SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 sh -c 'echo $$ >"$1"/cgroup.procs; shift; exec systemd-nspawn "$@"' - "$group" \
    --quiet --register=no --keep-unit --machine="$name" --private-network --link-journal=no --notify-ready=yes \
    --system-call-filter=bpf --capability=CAP_BPF,CAP_NET_ADMIN --console=read-only \
    --directory="$tree" --overlay=/usr::/usr "$@" --boot -- --unit=basic.target </dev/null &
container=$!
exec 3<&0
{ cat >/dev/null && kill "$container"; } <&3 & # an orderly shutdown
wait "$container"
