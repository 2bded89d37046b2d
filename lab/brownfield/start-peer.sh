#!/bin/sh
# Runs the BGP router in the middle, which knows nothing of capabilities: start-peer.sh <frr|bird|gobgp> <configuration>
#
# Starts it once /run/configured is there (the node has its addresses).
while [ ! -e /run/configured ]; do sleep 0.02; done
case $1 in
frr)
	chown frr:frr /run/frr
	/usr/lib/frr/zebra --daemon --config_file /dev/null --pid_file /run/frr/zebra.pid --vty_port 0
	exec /usr/lib/frr/bgpd --skip_runas --config_file "$2.conf" --pid_file /run/frr/bgpd.pid --vty_port 0 ;;
bird)
	exec bird -f -c "$2.conf" -s /run/bird.ctl -P /run/bird.pid ;;
gobgp)
	exec gobgpd --config-file "$2.toml" --log-level warn --api-hosts 127.0.0.1:50051 --pprof-disable ;;
*)
	echo "start-peer: $1 is none of frr, bird, gobgp" >&2
	exit 64 ;;
esac
