#!/bin/sh
# The hosts of a scene, in the namespaces that its caller has made: hostA and hostB, each with eth0 on
# a network that client (192.168.1.9) is on, and eth1 on a channel of their own (10.0.0.1, 10.0.0.2);
# /mnt/shared is seen by all. Prints the process that holds each, and ends when killed.
set -e
mount -t tmpfs shared /mnt
mkdir /mnt/shared
ip link set lo up
ip link add lan type bridge
ip link add channel type bridge
ip link set lan up
ip link set channel up
ip address add 192.168.1.9/24 dev lan

number=1
for host in hostA hostB; do
    unshare --net sleep infinity &
    holder=$!
    # Its namespace is there when it differs from this one.
    while [ "$(readlink /proc/$holder/ns/net)" = "$(readlink /proc/self/ns/net)" ]; do
        sleep 0.01
    done
    ip link add "lan$number" type veth peer name eth0 netns "$holder"
    ip link add "channel$number" type veth peer name eth1 netns "$holder"
    ip link set "lan$number" master lan up
    ip link set "channel$number" master channel up
    nsenter --target "$holder" --net sh -c "
        ip link set lo up
        ip link set eth0 up
        ip link set eth1 up
        ip address add 10.0.0.$number/24 dev eth1"
    echo "$host $holder"
    number=$((number + 1))
done
echo "client $$"
echo ready
wait
