#!/bin/sh
# Installs the delta tools that `kedge delta compare` and `cargo bench -p kedge-update-agent` compare with:
# programs from Debian (needs root), libraries from PyPI in a virtual environment, crates from tests/peers/rust.
#
#   tests/peers/install.sh [DIR]        DIR: where the environment goes, target/peers by default
#
# Nothing here is part of Kedge. What cannot be installed is named, here and by the comparison, and the rest is still there.
set -u

root=$(cd "$(dirname "$0")/../.." && pwd)
dir=${1:-$root/target/peers}

lacks() {
    echo "install.sh: $*" >&2
}

# Zucchini is Chromium's C++: the compiler must be a clang that knows C++23
cxx23() {
    for compiler in clang++ clang++-22 clang++-21 clang++-20 clang++-19 clang++-18 clang++-17; do
        if echo "int main() {}" | "$compiler" -std=c++23 -x c++ -fsyntax-only - 2>/dev/null; then
            echo "$compiler"
            return
        fi
    done
}

if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    for package in bsdiff xdelta3 zstd xz-utils python3-venv; do
        apt-get install -y -q "$package" || lacks "$package could not be installed"
    done
    if [ -z "$(cxx23)" ]; then
        apt-get install -y -q --no-install-recommends clang-19 || lacks "clang-19 could not be installed"
    fi
else
    lacks "not root or no apt-get: install bsdiff, xdelta3, zstd, xz-utils and clang (17 or later) yourself"
fi

python3 -m venv "$dir" || lacks "no virtual environment for the tools from PyPI"
# one by one: where one cannot be built, the others are still there
for package in detools hdiffpatch bsdiff4 bsdiffhs; do
    "$dir/bin/pip" install -q "$package" || lacks "$package could not be installed"
done

crates() {
    cargo install --quiet --locked --force --path "$root/tests/peers/rust" --root "$dir" "$@"
}

if command -v cargo >/dev/null; then
    compiler=$(cxx23)
    if [ -n "$compiler" ]; then
        # minutes; without it the other crates are still there
        CXX=$compiler crates --features zucchini || { lacks "zucchini could not be built"; crates; }
    else
        lacks "no clang that knows C++23: zucchini is left out"
        crates
    fi || lacks "the crates could not be built"
else
    lacks "no cargo: the crates are left out"
fi
echo "installed in $dir; kedge delta compare --peers $dir ..."
