#!/usr/bin/env python3
"""The delta tools from PyPI, one way to call them all; `kedge delta compare` runs this.

    peer.py list                              a line for each: NAME ready, or NAME missing PACKAGE
    peer.py make NAME OLD NEW PATCH ARCH      ARCH: what most of the image is, as `kedge delta info` calls it
    peer.py apply NAME OLD PATCH OUT

Ends with 3, and the reason on the standard output, where a tool cannot be used on a pair.
"""
import importlib.util
import io
import sys

# Of detools: what it calls the processors whose instructions it takes apart.
DATA_FORMATS = {"thumb": "arm-cortex-m4", "aarch64": "aarch64", "xtensa": "xtensa-lx106"}
# One suffix array for each segment of 4096 octets: above this it takes many minutes.
IN_PLACE_MAX = 2 << 20
# Its patches of larger images take minutes to apply.
BSDIFFHS_MAX = 400 << 10
SEGMENT = 4096


class NotHere(Exception):
    """The tool cannot be used on this pair."""


class Detools:
    """detools: https://pypi.org/project/detools/"""

    package = "detools"

    def __init__(self, formats=False, **options):
        self.formats = formats
        self.options = options

    def make(self, old, new, arch):
        import detools
        options = dict(self.options)
        if self.formats:
            if arch not in DATA_FORMATS:
                raise NotHere(f"no data format for {arch}")
            options["data_format"] = DATA_FORMATS[arch]
        if options.get("compression") == "heatshrink":
            options["heatshrink_window_sz2"], options["heatshrink_lookahead_sz2"] = 8, 7
        out = io.BytesIO()
        # mmap would need real files
        detools.create_patch(io.BytesIO(old), io.BytesIO(new), out, use_mmap=False, **options)
        return out.getvalue()

    def apply(self, old, patch):
        import detools
        out = io.BytesIO()
        detools.apply_patch(io.BytesIO(old), io.BytesIO(patch), out)
        return out.getvalue()


class InPlace(Detools):
    """The same over the old image: `share` hundredths of the larger image are there."""

    def __init__(self, share, compression):
        super().__init__(compression=compression, patch_type="in-place", segment_size=SEGMENT)
        self.share = share

    def make(self, old, new, arch):
        larger = max(len(old), len(new))
        if larger > IN_PLACE_MAX:
            raise NotHere("above 2 MiB it takes many minutes")
        segments = -(-larger // SEGMENT)
        memory = max(-(-segments * self.share // 100), segments + 2)
        self.options["memory_size"] = memory * SEGMENT
        return super().make(old, new, arch)

    def apply(self, old, patch):
        import detools
        size = 4 * len(old) + (4 << 20)
        memory = io.BytesIO(old + bytes(size - len(old)))
        length = detools.apply_patch_in_place(memory, io.BytesIO(patch))
        return memory.getvalue()[:length]


class HDiff:
    """HDiffPatch: https://pypi.org/project/hdiffpatch/"""

    package = "hdiffpatch"
    lite = False

    def __init__(self, config, *arguments, **options):
        self.config = (config, arguments, options)

    def make(self, old, new, arch):
        import hdiffpatch
        config, arguments, options = self.config
        compression = getattr(hdiffpatch, config)(*arguments, **options)
        diff = hdiffpatch.diff_lite if self.lite else hdiffpatch.diff
        return diff(old, new, compression=compression)

    def apply(self, old, patch):
        import hdiffpatch
        return (hdiffpatch.apply_lite if self.lite else hdiffpatch.apply)(old, patch)


class HLite(HDiff):
    """HPatchLite, from the same package."""

    lite = True


class Bsdiff4:
    """bsdiff4: https://pypi.org/project/bsdiff4/"""

    package = "bsdiff4"

    def make(self, old, new, arch):
        import bsdiff4
        return bsdiff4.diff(old, new)

    def apply(self, old, patch):
        import bsdiff4
        return bsdiff4.patch(old, patch)


class Bsdiffhs:
    """bsdiffhs: https://pypi.org/project/bsdiffhs/"""

    package = "bsdiffhs"

    def make(self, old, new, arch):
        import bsdiffhs
        if max(len(old), len(new)) > BSDIFFHS_MAX:
            raise NotHere("above 400 KiB its patches take minutes to apply")
        return bsdiffhs.diff(old, new)

    def apply(self, old, patch):
        import bsdiffhs
        return bsdiffhs.patch(old, patch)


PEERS = {
    "bsdiff4": Bsdiff4(),
    "bsdiffhs": Bsdiffhs(),
    "hdiff13-zstd": HDiff("ZStdConfig", level=19),
    "hdiff13-lzma2": HDiff("Lzma2Config", level=9),
    "lite-lzma": HLite("LzmaConfig", level=9),
    "lite-lzma-4k": HLite("LzmaConfig", level=9, window=12),
    "lite-zlib": HLite("ZlibConfig", level=9),
    "lite-tuz-32k": HLite("TuzConfig", dict_size=32 << 10),
    "lite-tuz-4k": HLite("TuzConfig", dict_size=4 << 10),
    "lite-tuz-1k": HLite("TuzConfig", dict_size=1 << 10),
    "lite-tamp-1k": HLite("TampConfig", window=10),
    "dt-seq-lzma": Detools(compression="lzma"),
    "dt-seq-lzma-df": Detools(compression="lzma", formats=True),
    "dt-seq-heatshrink": Detools(compression="heatshrink"),
    "dt-seq-heatshrink-df": Detools(compression="heatshrink", formats=True),
    "dt-seq-crle": Detools(compression="crle"),
    "dt-hdiff-lzma": Detools(compression="lzma", algorithm="hdiffpatch", patch_type="hdiffpatch"),
    "dt-mblk-heatshrink": Detools(compression="heatshrink", algorithm="match-blocks"),
    "dt-inpl-100-lzma": InPlace(100, "lzma"),
    "dt-inpl-112-lzma": InPlace(112, "lzma"),
    "dt-inpl-125-lzma": InPlace(125, "lzma"),
    "dt-inpl-100-hs": InPlace(100, "heatshrink"),
    "dt-inpl-125-hs": InPlace(125, "heatshrink"),
}


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write(path, content):
    with open(path, "wb") as file:
        file.write(content)


def main(arguments):
    match arguments:
        case ["list"]:
            for name, peer in PEERS.items():
                here = importlib.util.find_spec(peer.package) is not None
                print(name, "ready" if here else f"missing {peer.package}")
        case ["make", name, old, new, patch, arch]:
            write(patch, PEERS[name].make(read(old), read(new), arch))
        case ["apply", name, old, patch, out]:
            write(out, PEERS[name].apply(read(old), read(patch)))
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except NotHere as reason:
        print(reason)
        sys.exit(3)
