#!/bin/sh
# Installs the delta tools that `kedge delta compare` and `cargo bench -p kedge-update-agent` compare with:
# programs from Debian (needs root), libraries from PyPI in a virtual environment, crates from tests/peers/rust.
#
#   tests/peers/install.sh [DIR]        DIR: where the environment goes, target/peers by default
#
# Zucchini is built where clang is installed; it takes minutes.
# Nothing here is part of Kedge; the comparison names what is missing and goes on without it.
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
dir=${1:-$root/target/peers}

if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    apt-get install -y -q bsdiff xdelta3 zstd xz-utils python3-venv ||
        echo "install.sh: not all programs could be installed" >&2
else
    echo "install.sh: not root or no apt-get: install bsdiff, xdelta3, zstd and xz-utils yourself" >&2
fi

python3 -m venv "$dir"
# one by one: where one cannot be built, the others are still there
for package in detools hdiffpatch bsdiff4 bsdiffhs; do
    "$dir/bin/pip" install -q "$package" || echo "install.sh: $package could not be installed" >&2
done

if [ -d "$root/tests/peers/rust" ] && command -v cargo >/dev/null; then
    # Chromium's Zucchini is C++ that wants clang
    features=$(command -v clang++ >/dev/null && echo "--features zucchini" || true)
    cargo install --quiet --locked --path "$root/tests/peers/rust" --root "$dir" $features ||
        echo "install.sh: the crates could not be built" >&2
fi
echo "installed in $dir; kedge delta compare --peers $dir ..."
