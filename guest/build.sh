#!/usr/bin/env bash
# Makes the guest image: OUTDIR/Image (Debian's own riscv64 kernel) and OUTDIR/initrd.cpio.gz (busybox, redis-server,
# kernel modules, guest/init, guest/tools).
#
#   guest/build.sh [OUTDIR]          default: build/guest
#
# Everything comes through apt, from the mirror that this machine's own apt configuration names, into a private apt
# tree in OUTDIR/apt: no root rights, no chroot, no emulator, nothing of the host's package state is touched.
# Signatures are checked against Debian's archive keyring. Runs again only what is missing or out of date; every
# result is written under a temporary name first, so an interrupted run leaves nothing half-made behind.
#
# FTVM_GUEST_MIRROR=URI names the Debian archive by hand, where apt's configuration does not.
set -euo pipefail
export LC_ALL=C
umask 022

readonly SUITE=trixie
readonly KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
readonly CROSS=riscv64-linux-gnu-
readonly TRIPLET=riscv64-linux-gnu
readonly NEEDED_MB=900                      # downloads and unpacked packages, with room to spare
readonly PROGRAMS="redis-server redis-cli"  # taken into the initrd with the libraries that they are linked to

# Modules by the names that modinfo uses; what they depend on is added by itself. virtio_rng comes first, so that
# the kernel's random generator is seeded before anything asks it. The second group is loaded only when a disk is
# mounted: ext4 mounts ext2 and ext3 as well, and its checksums want crc32c.
readonly BOOT_MODULES="virtio_mmio virtio_rng virtio_net virtio_blk"
readonly DISK_MODULES="crc32c_generic ext4"

here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here/../build/guest}

say()  { printf 'guest: %s\n' "$*"; }
fail() { printf 'guest: error: %s\n' "$*" >&2; exit 1; }

need() { # need TOOL PACKAGE
    command -v "$1" > /dev/null || fail "$1 not found; install the package $2"
}

megabytes() { echo "$(( ($(stat -L -c %s "$1") + 500000) / 1000000 )) MB"; }

# --- the private apt tree ---------------------------------------------------------------------------------------

# The base URI of Debian's main archive. apt itself reads its configuration, so one-line and deb822 sources, options
# and disabled entries all mean what they mean to apt.
find_mirror() {
    if [ -n "${FTVM_GUEST_MIRROR:-}" ]; then
        echo "$FTVM_GUEST_MIRROR"
        return
    fi
    env -u APT_CONFIG apt-get update --print-uris 2> /dev/null |
        sed -nE "s#^'([^']*)/dists/[^']*'.*#\1#p" |
        grep -E '/debian(\.list)?(/[0-9]{8}T[0-9]{6}Z)?/?$' |
        sed -n 1p
}

prepare_apt() {
    local mirror
    mirror=$(find_mirror) ||
        fail "apt's configuration names no Debian archive (a URI that ends in /debian); set FTVM_GUEST_MIRROR"
    mkdir -p "$apt/state/lists/partial" "$apt/archives/partial" "$apt/log"
    : > "$apt/state/status"
    echo "deb [signed-by=$KEYRING] $mirror $SUITE main" > "$apt/sources.list"
    {
        # How this machine reaches mirrors (proxies, timeouts, its policy on old snapshots) holds for us too.
        env -u APT_CONFIG apt-config dump Acquire | grep -E '^Acquire::(https?|Retries|Check-)' || true
        cat << CONF
Dir::State "$apt/state/";
Dir::State::status "$apt/state/status";
Dir::Cache "$apt/";
Dir::Cache::archives "$apt/archives/";
Dir::Log "$apt/log/";
Dir::Etc::main "/dev/null";
Dir::Etc::parts "/dev/null";
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
APT::Architecture "riscv64";
APT::Architectures { "riscv64"; };
APT::Update::Error-Mode "any";
APT::Keep-Downloaded-Packages "true";
Acquire::Languages "none";
Acquire::AllowInsecureRepositories "false";
CONF
        # apt run by root would drop to a user who may not be allowed to enter this directory.
        [ "$(id -u)" -ne 0 ] || echo 'APT::Sandbox::User "root";'
    } > "$apt/apt.conf"
}

# apt with our tree; its chatter goes to a file, and its own words for what went wrong are shown when it fails.
run_apt() { # run_apt WHAT COMMAND...
    local what=$1
    shift
    APT_CONFIG=$apt/apt.conf "$@" > "$apt/log/last" 2>&1 < /dev/null ||
        fail "$what failed: $(grep -m 1 '^E:' "$apt/log/last" || tail -n 1 "$apt/log/last") (see $apt/log/last)"
}

# --- packages ---------------------------------------------------------------------------------------------------

module_info() { # module_info FIELD FILE: the field's values, one per line
    "${CROSS}objcopy" -O binary --only-section=.modinfo "$2" /dev/stdout | tr '\0' '\n' | sed -n "s/^$1=//p"
}

# Decompresses a module and, before it, those that it depends on; appends their names to a list that is in the order
# of loading. A module that is built into the kernel has no file, and is none of our business.
take_module() { # take_module NAME LIST
    local name=$1 list=$2 file dependency
    ! grep -qx "$name" "$unpacked/modules"/*.order || return 0
    file=$(find "$apt/kernel" -name "${name//_/[-_]}.ko.xz" -print -quit)
    if [ -z "$file" ]; then
        grep -qE "/${name//_/[-_]}\.ko$" "$apt"/kernel/usr/lib/modules/*/modules.builtin ||
            fail "the kernel package has no module $name"
        return 0
    fi
    xz -dc "$file" > "$unpacked/modules/$name.ko"
    for dependency in $(module_info depends "$unpacked/modules/$name.ko" | tr ',-' ' _'); do
        take_module "$dependency" "$list"
    done
    # Debian's modules carry four times their weight in local labels and type information, and a signature, which the
    # stripping invalidates: a kernel without lockdown takes an unsigned module, and saves the arithmetic.
    "${CROSS}strip" --strip-unneeded --remove-section=.BTF "$unpacked/modules/$name.ko"
    echo "$name" >> "$list"
}

unpack_kernel() { # unpack_kernel DEB
    local image name
    rm -rf "$apt/kernel"
    mkdir -p "$apt/kernel" "$unpacked/modules"
    dpkg-deb -x "$1" "$apt/kernel"
    image=$(find "$apt/kernel/boot" -name 'vmlinux-*' -print -quit)
    # Offset 56 of a bootable RISC-V kernel image says so (Documentation/arch/riscv/boot-image-header.rst).
    if [ -z "$image" ] || [ "$(dd if="$image" bs=1 skip=56 count=3 status=none)" != RSC ]; then
        fail "$1 holds no raw RISC-V kernel image"
    fi
    : > "$unpacked/modules/boot.order"
    : > "$unpacked/modules/disk.order"
    for name in $BOOT_MODULES; do take_module "$name" "$unpacked/modules/boot.order"; done
    for name in $DISK_MODULES; do take_module "$name" "$unpacked/modules/disk.order"; done
    mv "$image" "$unpacked/Image"
    rm -rf "$apt/kernel"
}

# Copies a library, and what it is linked to in turn, from the unpacked packages.
take_libraries() { # take_libraries ELF_FILE
    local name file
    for name in $("${CROSS}readelf" -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do
        [ ! -e "$unpacked/lib/$name" ] || continue
        file=$(find "$apt/root" -path "*/lib/*" -name "$name" -print -quit)
        [ -n "$file" ] || fail "no package holds the library $name"
        cp -L "$file" "$unpacked/lib/$name"
        take_libraries "$unpacked/lib/$name"
    done
}

unpack_programs() {
    local deb name
    rm -rf "$apt/root"
    mkdir -p "$apt/root" "$unpacked/bin" "$unpacked/lib"
    for deb in "$apt"/archives/*.deb; do
        case $deb in
            */linux-image-*) ;;
            *) dpkg-deb -x "$deb" "$apt/root" ;;
        esac
    done
    for name in $PROGRAMS busybox; do
        cp -L "$apt/root/usr/bin/$name" "$unpacked/bin/$name"
        take_libraries "$unpacked/bin/$name"
    done
    rm -rf "$apt/root"
}

# Fetches the packages and keeps of them, in OUTDIR/packages, what the image is made from.
get_packages() {
    local kernel free_kb
    free_kb=$(df -Pk "$out" | awk 'NR == 2 { print $4 }')
    [ "$free_kb" -ge $((NEEDED_MB * 1000)) ] ||
        fail "$out has $((free_kb / 1000)) MB free; $NEEDED_MB MB are needed while the image is made"
    [ -r "$KEYRING" ] || fail "$KEYRING not found; install the package debian-archive-keyring"

    prepare_apt
    say "reading the package lists of $SUITE"
    run_apt "apt-get update" apt-get update
    kernel=$(APT_CONFIG=$apt/apt.conf apt-cache depends linux-image-riscv64 |
        awk '$1 == "Depends:" && $2 ~ /^linux-image-/ && !found { print $2; found = 1 }')
    [ -n "$kernel" ] || fail "$SUITE has no linux-image-riscv64"
    # Packages of an earlier run that this one does not want would be unpacked along with the others.
    APT_CONFIG=$apt/apt.conf apt-get -qq autoclean > /dev/null
    say "downloading redis-server with its libraries, and busybox (27 MB)"
    run_apt "the download of redis-server" apt-get install --yes --download-only --no-install-recommends \
        redis-server busybox-static
    say "downloading $kernel (112 MB)"
    (cd "$apt/archives" && run_apt "the download of $kernel" apt-get download "$kernel")

    say "unpacking"
    unpacked=$out/packages.tmp
    rm -rf "$unpacked"
    mkdir -p "$unpacked"
    unpack_programs
    unpack_kernel "$apt/archives/$kernel"_*.deb
    echo "$recipe" > "$unpacked/recipe"
    rm -rf "$out/packages"
    mv "$unpacked" "$out/packages"
}

# --- the image --------------------------------------------------------------------------------------------------

build_tools() { # build_tools DESTINATION
    "${CROSS}gcc" -std=gnu11 -O2 -static -s -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes \
        -o "$1/ftvm-tools" "$here"/tools/*.c || fail "guest/tools does not compile"
    for tool in cpuloop diskload recordserver streamserver; do
        ln -s ftvm-tools "$1/$tool"
    done
}

pack_initrd() {
    local tree=$out/tree.tmp
    rm -rf "$tree"
    mkdir -p "$tree"/{dev,proc,sys,tmp,run,data,root,etc,var/log,usr/bin,usr/lib/$TRIPLET,usr/lib/modules}
    # One directory under several names, as in Debian.
    ln -s usr/bin "$tree/bin"
    ln -s usr/bin "$tree/sbin"
    ln -s bin "$tree/usr/sbin"
    ln -s usr/lib "$tree/lib"

    install -m 755 "$out"/packages/bin/* "$tree/usr/bin/"
    install -m 755 "$out"/packages/lib/* "$tree/usr/lib/$TRIPLET/"
    mv "$tree/usr/lib/$TRIPLET"/ld-linux-* "$tree/usr/lib/"
    install -m 644 "$out"/packages/modules/* "$tree/usr/lib/modules/"
    ln -s busybox "$tree/usr/bin/sh"
    build_tools "$tree/usr/bin"
    install -m 755 "$here/init" "$tree/init"
    install -m 644 "$here"/etc/* "$tree/etc/"

    # The same input gives the same image, byte for byte: fixed times, owners, order and inode numbers.
    #
    # The archive is stored, not compressed, under the name that initrds go by: the kernel looks at the content. To gunzip
    # it costs the guest 360 million instructions; all the rest of its boot takes 500 million.
    find "$tree" -exec touch -h -d @0 {} +
    (cd "$tree" && find . -mindepth 1 -print0 | sort -z |
        cpio --null --create --format=newc --owner=0:0 --reproducible --quiet) > "$out/initrd.tmp"
    rm -rf "$tree"
    mv "$out/initrd.tmp" "$out/initrd.cpio.gz"
}

# --- from here on -----------------------------------------------------------------------------------------------

mkdir -p "$out" 2> /dev/null || fail "cannot make the directory $out"
out=$(cd "$out" && pwd)
apt=$out/apt
readonly recipe="3 $SUITE $PROGRAMS / $BOOT_MODULES / $DISK_MODULES"

up_to_date() {
    [ -e "$out/Image" ] && [ -e "$out/initrd.cpio.gz" ] && packages_ready &&
        [ -z "$(find "$here" -type f ! -name '*.md' -newer "$out/initrd.cpio.gz" -print -quit)" ]
}

packages_ready() { [ "$(cat "$out/packages/recipe" 2> /dev/null)" = "$recipe" ]; }

if up_to_date; then
    say "up to date in $out"
    exit 0
fi

need apt-get apt
need dpkg-deb dpkg
need cpio cpio
need xz xz-utils
need flock util-linux
need "${CROSS}gcc" gcc-riscv64-linux-gnu
need "${CROSS}objcopy" binutils-riscv64-linux-gnu

# Two runs at once, as from a parallel make, would trip over each other's files.
exec 9> "$out/lock"
if ! flock -n 9; then
    say "another run is at work in $out; waiting for it"
    flock 9
    if up_to_date; then exit 0; fi
fi

packages_ready || get_packages
cp "$out/packages/Image" "$out/Image.tmp"
mv -f "$out/Image.tmp" "$out/Image"
say "packing the initrd"
pack_initrd
say "made $out/Image ($(megabytes "$out/Image")) and $out/initrd.cpio.gz ($(megabytes "$out/initrd.cpio.gz"))"
