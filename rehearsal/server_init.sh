#!/bin/sh
# The first process of the rehearsal server: its mounts, then dockerd and sshd; it ends with them.
# usage: server_init.sh FOLDER NAME MIRROR STORE PORT
#   (inside `unshare --mount --pid --net --uts`; STORE: classic or containerd)
#   FOLDER/../rootfs is the system; FOLDER/{upper,work} what this server changed, FOLDER/docker its
#   Docker's data, FOLDER/keys its SSH keys.
set -eu

enter() {
    cd "$1"
    mount --make-rprivate /
    # Relative, since a path in overlay's options may hold neither ':' nor ','.
    mount -t overlay overlay -o lowerdir=../rootfs,upperdir=upper,workdir=work root
    mount -t proc proc root/proc
    mount -t sysfs sysfs root/sys
    mount --rbind /sys/fs/cgroup root/sys/fs/cgroup
    mount -t tmpfs -o mode=755 tmpfs root/run
    mount -t tmpfs -o mode=1777 tmpfs root/tmp
    mount -t tmpfs -o mode=755 tmpfs root/dev
    mkdir root/dev/pts root/dev/shm root/dev/mqueue root/run/old root/run/sshd root/run/keys
    mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts root/dev/pts
    mount -t tmpfs -o mode=1777 tmpfs root/dev/shm
    mount -t mqueue mqueue root/dev/mqueue
    ln -s pts/ptmx root/dev/ptmx
    ln -s /proc/self/fd root/dev/fd
    for device in null zero full random urandom tty; do
        cp -a "/dev/$device" root/dev/
    done
    mkdir -p root/var/lib/docker
    # Docker's own overlays cannot lie on an overlay.
    mount --bind docker root/var/lib/docker
    mount --bind keys root/run/keys
    cp "$2" root/run/init.sh
    cd root
    pivot_root . run/old
    # A new shell, so that nothing keeps the machine's own root file system in use.
    shift 3
    exec chroot . /bin/sh /run/init.sh run "$@"
}

configure() { # name
    umount -l /run/old
    hostname "$1"
    echo "$1" >/etc/hostname
    printf '127.0.0.1 localhost %s\n' "$1" >/etc/hosts
    : >/etc/resolv.conf
    install -D -m 600 -o deploy -g deploy /run/keys/client.pub /home/deploy/.ssh/authorized_keys
    chown deploy:deploy /home/deploy/.ssh
    install -m 600 /run/keys/host /run/host_key
    cat >/run/sshd_config <<END
HostKey /run/host_key
AllowUsers deploy
AuthenticationMethods publickey
UsePAM no
AllowTcpForwarding no
X11Forwarding no
PidFile none
END
    ip link set lo up
    # The other end is plugged in from outside.
    until ip -brief -4 address show dev eth0 2>/dev/null | grep -q /; do sleep 0.05; done
}

run() { # name, registry mirror's port, image store, SSH port
    configure "$1"
    mkdir -p /etc/docker
    snapshotter=false
    [ "$3" != containerd ] || snapshotter=true
    echo "{\"features\": {\"containerd-snapshotter\": $snapshotter}}" >/etc/docker/daemon.json
    trap 'kill -TERM "$docker" "$sshd"' TERM
    # One hierarchy of its own, so that what is left there can be found and removed.
    dockerd --registry-mirror "http://localhost:$2" --cgroup-parent "/$1" --shutdown-timeout 3 &
    docker=$!
    /usr/sbin/sshd -D -e -p "$4" -f /run/sshd_config &
    sshd=$!
    wait || :
    trap '' TERM
    wait
}

case $1 in
run)
    shift
    run "$@"
    ;;
*) enter "$1" "$(realpath "$0")" "$@" ;;
esac
