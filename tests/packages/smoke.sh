#!/bin/bash
# Builds the Debian packages of what is in this folder, installs them in a fresh Debian, uses them, and
# removes them again. Ends with a line "N passed, N failed". For make check-packages.
#
# Nothing is kept for the next time. The Debian is of this machine's release and comes from where this
# machine's apt gets its own; as a normal user it is made in a user namespace.
set -u
cd "$(dirname "$0")/../.." || exit 1

top=$PWD
work=$top/build/packages
logs=$top/build/check
passed=0
failed=0

finish() {
    echo "$passed passed, $failed failed"
    [ "$failed" = 0 ]
    exit
}

# step NAME COMMAND...: what comes after a step that failed has nothing to stand on.
step() {
    local name=$1 log="$logs/$1.log" started=$SECONDS
    shift
    "$@" >"$log" 2>&1
    local status=$?
    # The steps that it had itself.
    grep -E '^  pass  ' "$log" && passed=$((passed + $(grep -cE '^  pass  ' "$log")))
    if [ "$status" = 0 ]; then
        echo "  pass  $name ($((SECONDS - started)) s)"
        passed=$((passed + 1))
        return
    fi
    echo "  FAIL  $name"
    echo "---- $log"
    tail -n 60 "$log" | cut -c -300
    echo "----"
    failed=$((failed + 1))
    finish
}

copy() {
    rm -rf "$work"
    mkdir -p "$work/ftvm"
    git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' file; do
        [ ! -e "$file" ] || printf '%s\0' "$file"
    done | tar -c --null -T - | tar -x -C "$work/ftvm"
    [ -x "$work/ftvm/debian/rules" ] || { echo "no copy of what git knows of: is this a clone?"; return 1; }
}

build() {
    copy && cd "$work/ftvm" && dpkg-buildpackage -us -uc -b && ls -l ..
}

# Nothing at all to say, but that it is run by root.
lint() {
    local found
    found=$(lintian --info --display-info --fail-on error,warning,info --allow-root "$work"/*.changes 2>&1) && [ -z "$found" ] ||
        { echo "$found"; return 1; }
}

# Debian's own objects that every program begins with have no marks for control flow.
harden() {
    for package in ftvm libftvm0; do
        dpkg -x "$work"/${package}_*.deb "$work/unpacked" || return
    done
    hardening-check --nocfprotection "$work"/unpacked/usr/bin/* "$work"/unpacked/usr/lib/*/libftvm.so.*.*
}

# Where apt has this release from, as lines of a sources.list.
mirrors() {
    . /etc/os-release
    # shellcheck disable=SC2016 # apt's own variables
    apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
        grep -E "^[^ ]+ $VERSION_CODENAME(-updates|-security)? main$" | sort -u | sed 's/^/deb /'
}

may_make_a_debian() {
    local site suite
    if [ "$(id -u)" != 0 ] && ! { command -v newuidmap && grep -q "^$(id -un):" /etc/subuid &&
        unshare --user --map-root-user true; } >/dev/null 2>&1; then
        echo "a fresh Debian needs root, or user namespaces: package uidmap, and a line in /etc/subuid"
        return 1
    fi
    [ -n "$(mirrors)" ] || { echo "apt knows no mirror of this Debian's release (apt-get indextargets)"; return 1; }
    while read -r _ site suite _; do
        /usr/lib/apt/apt-helper -qq download-file "${site}dists/$suite/InRelease" "$work/InRelease" </dev/null ||
            { echo "a fresh Debian needs $suite from $site, which is not to be had: is there a network?"; return 1; }
    done < <(mirrors)
}

# Runs inside.sh in a fresh Debian, which is gone when this returns.
in_debian() {
    local codename proxy= packages
    may_make_a_debian || return
    codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
    eval "$(apt-config shell proxy Acquire::http::Proxy)"
    packages=$(printf '%q ' "$work"/*_*_*.deb)
    mirrors | mmdebstrap --variant=apt --format=null ${proxy:+--aptopt="Acquire::http::Proxy \"$proxy\""} \
        --aptopt='APT::Install-Recommends "false"' --dpkgopt=force-unsafe-io \
        --customize-hook='mkdir "$1/packages"' \
        --customize-hook="copy-in $packages tests/packages/pair.c tests/packages/inside.sh /packages" \
        --customize-hook='chroot "$1" sh /packages/inside.sh' "$codename" - -
}

echo "packages of $(git describe --always --dirty 2>/dev/null), for $(. /etc/os-release && echo "$PRETTY_NAME")"
mkdir -p "$logs"
step packages-make-install tests/packages/install.sh build
step packages-build build
step packages-lintian lint
step packages-hardening harden
step packages-debian in_debian
finish
