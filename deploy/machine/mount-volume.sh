#!/bin/sh
# The volume that outlives the machine: mount-volume.sh DEVICE. It is given a file system only where it is blank.
# Data, certificates, settings and local backups stand on it, each at its usual place by a bind mount.
set -eu
device=$1
volume=/srv/homeroom

# It is attached while the machine starts, or a moment later.
waited=0
while [ ! -b "$device" ]; do
    test "$waited" -lt 600 || { echo "The volume $device is not there: is it attached?" >&2; exit 1; }
    sleep 2
    waited=$((waited + 2))
done

if [ "$(blkid --probe --output value --match-tag LABEL "$device" || true)" != homeroom ]; then
    if blkid --probe "$device" >/dev/null 2>&1 || ! cmp -s -n 1048576 "$device" /dev/zero; then
        echo "$device is neither blank nor Homeroom's volume; it is left as it is." >&2
        exit 1
    fi
    mkfs.ext4 -q -L homeroom -m 1 "$device"
fi

add_mount() {
    grep -q "[[:space:]]$2[[:space:]]" /etc/fstab || echo "$1 $2 $3 0 ${4:-0}" >>/etc/fstab
}

mkdir -p "$volume"
uuid=$(blkid --probe --output value --match-tag UUID "$device")
# Without it the machine starts all the same, so that somebody can look; Homeroom does not start then.
add_mount "UUID=$uuid" "$volume" "ext4 defaults,nofail,x-systemd.growfs,x-systemd.device-timeout=5min" 2
systemctl daemon-reload
mountpoint -q "$volume" || mount "$volume"

for pair in instance:/var/lib/homeroom backups:/var/lib/homeroom-backups letsencrypt:/etc/letsencrypt; do
    name=${pair%%:*} place=${pair#*:}
    mkdir -p "$volume/$name" "$place"
    mountpoint -q "$place" && continue
    # What the packages have put there.
    cp -a --no-clobber "$place/." "$volume/$name/"
    add_mount "$volume/$name" "$place" "none bind,nofail,x-systemd.requires-mounts-for=$volume"
    systemctl daemon-reload
    mount "$place"
done
