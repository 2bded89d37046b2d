#!/bin/sh
# PID 1 of a lab node: makes the node's private file system, reports, waits for "go", starts the node's command, and
# from then on only reaps. It outlives the command; when it is killed, the kernel ends everything in the node.
#
#   init.sh <name> <node folder> [command …]
#
# Runs in new network, mount, UTS and PID namespaces. The node folder holds: binds and sysctls (one a line, fields
# separated by tabs), hosts and resolv.conf. Descriptor 3 takes one line: "ready <pid outside>" or "error <why>".
set -u
name=$1
folder=$2
shift 2

tab=$(printf '\t')
run=$folder/run # becomes /run once everything below /run of the machine is no longer needed
private=        # folders of which this node has its own writable view

fail() {
	echo "error $*" >&3
	exit 1
}

# Both are fields of the PID namespace that /proc was mounted in: the machine's.
read -r pid rest </proc/self/stat || fail "cannot read /proc/self/stat"

# A view of a folder in which the node's changes stay with the node.
overlay() {
	layer=$run/.lab/$(echo "$1" | tr / _)
	mkdir -p "$layer/upper" "$layer/work" || fail "cannot make $layer"
	mount -n -t overlay -o "lowerdir=$1,upperdir=$layer/upper,workdir=$layer/work" lab "$1" ||
		fail "cannot mount an overlay on $1: does the kernel have overlayfs?"
	private="$private $1"
}

is_private() {
	case $1/ in "$run"/*) return 0 ;; esac
	for known in $private; do
		case $1/ in "$known"/*) return 0 ;; esac
	done
	return 1
}

# Makes a mount point without touching the machine's own files.
prepare() { # source target
	[ -e "$2" ] && return
	above=$2
	while [ ! -d "$above" ]; do
		above=${above%/*}
		[ -n "$above" ] || fail "cannot bind to $2: it is not there, and nothing is made in / itself"
	done
	is_private "$above" || overlay "$above"
	if [ -d "$1" ]; then
		mkdir -p "$2" || fail "cannot make $2"
	else
		mkdir -p "${2%/*}" && : >"$2" || fail "cannot make $2"
	fi
}

mkdir -p "$run" && mount -n -t tmpfs -o mode=755,size=256m lab "$run" || fail "cannot mount a tmpfs on $run"
mkdir -p "$run/lock" "$run/.lab"

overlay /etc
for file in hosts resolv.conf; do
	rm -f "/etc/$file" && cp "$folder/$file" "/etc/$file" || fail "cannot write /etc/$file"
done
echo "$name" >/etc/hostname
printf '%s\n' 'passwd: files' 'group: files' 'shadow: files' 'hosts: files dns' 'services: files' >/etc/nsswitch.conf

while IFS=$tab read -r mode source target; do
	case $target in /run | /run/*) target=$run${target#/run} ;; esac
	prepare "$source" "$target"
	mount -n --bind "$source" "$target" || fail "cannot bind $source to $target"
	[ "$mode" = rw ] || mount -n -o remount,bind,ro "$target" || fail "cannot make $target read-only"
done <"$folder/binds"

while IFS=$tab read -r key value; do
	echo "$value" >"/proc/sys/$key" || fail "cannot set $key to $value"
done <"$folder/sysctls"

mount -n -t proc proc /proc || fail "cannot mount /proc"
mount -n -t sysfs sysfs /sys || fail "cannot mount /sys"
mount -n -t bpf bpf /sys/fs/bpf || echo "init: no bpffs in this node" >&2
mount -n --move "$run" /run || fail "cannot move $run to /run"
hostname "$name" || fail "cannot set the host name"
ip link set lo up || fail "cannot bring lo up"
cd /

echo "ready $pid" >&3
exec 3>&-
read -r word || exit 1 # the runner is gone
exec </dev/null
trap '' HUP INT QUIT TERM USR1 USR2 PIPE

if [ $# -gt 0 ]; then
	setsid "$@" &
fi
while :; do
	# While it waits for this one, the shell reaps every child that ends, also those it did not start.
	sleep 2147483647 &
	wait $!
done
