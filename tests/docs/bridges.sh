# Gives a host what "Running a pair" assumes that it has: a tap on the bridge to the clients' network.
ip link add br0 type bridge
ip link set eth0 master br0
ip tuntap add tap0 mode tap
ip link set tap0 master br0 up
ip link set br0 up
