#!/usr/bin/env python3
"""Makes documents.txt: license documents by an independent encoder (cbor2) and signer (cryptography).

    python3 -m venv venv && venv/bin/pip install cbor2 cryptography
    venv/bin/python make.py > documents.txt

Each line: name, the code that acceptance must give ("ok" for none), the octets in hexadecimal. Keys are the public test keys
of RFC 8032 section 7.1, tests 1 to 3.
"""

import sys

import cbor2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256, Hash
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ISSUER = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
DEVICE = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
# signs configurations and trust updates only
OTHER = bytes.fromhex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7")

NOW = 1893456000
DAY = 86400
UEID = bytes.fromhex("030305060903080003050604030800")
NONCE = bytes(range(0x10, 0x20))
TYPE = "application/vnd.example.provisioning+cbor"


def public(secret):
    return Ed25519PrivateKey.from_private_bytes(secret).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def kid(secret):
    h = Hash(SHA256())
    h.update(public(secret))
    return h.finalize()[:8]


def encode(value):
    return cbor2.dumps(value, canonical=False)


def ordered(pairs):
    """A map in bytewise order of its encoded keys."""
    return dict(sorted(pairs.items(), key=lambda pair: encode(pair[0])))


def protected(secret, **changes):
    header = {1: -19, 4: kid(secret), 16: TYPE}
    header.update(changes.get("header", {}))
    return encode(ordered(header))


def sign(secret, head, payload, aad=b"provlic-v1"):
    return Ed25519PrivateKey.from_private_bytes(secret).sign(encode(["Signature1", head, aad, payload]))


def frame(head, payload, signature, unprotected=None, tag=18):
    return encode(cbor2.CBORTag(tag, [head, unprotected or {}, payload, signature]))


def document(claims, secret=ISSUER, raw=None, aad=b"provlic-v1", unprotected=None, tag=18, **changes):
    payload = encode(ordered(claims)) if raw is None else raw
    head = changes.get("head") or protected(secret, **changes)
    return frame(head, payload, sign(secret, head, payload, aad), unprotected, tag)


LICENSE1 = {1: 1, 2: [1, 7], 3: NOW + DAY, 4: 0, 5: 0, 6: [1, 4], 7: 14 * DAY}
CONFIG1 = {1: {1: "activate.example", 2: 443, 3: "/v1/entry"}, 2: {1: "client@prov.example"}}


def claims(**changes):
    base = {
        1: "prov.example", 2: "acct-0042", 3: "example-client", 4: NOW + 14 * DAY, 6: NOW,
        7: bytes.fromhex("c0f14abae824b3a4bfd574a047c8794c"),
        8: {1: {1: 1, -1: 6, -2: public(DEVICE)}}, 10: NONCE, 256: UEID,
        -70001: dict(LICENSE1), -70002: CONFIG1,
    }
    for key in changes.pop("without", []):
        del base[key]
    base.update(changes.pop("put", {}))
    if "license" in changes:
        base[-70001] = ordered({**LICENSE1, **changes.pop("license")})
    return base


V1 = document(claims())
V2 = document(claims(without=[4, -70002], put={
    6: NOW + 3600, 7: bytes.fromhex("b53cf3f82db91e91efd43e2e2c7bd11c"),
    -70001: {1: 2, 2: [1, 8], 3: NOW + 90000, 4: 0, 5: 1, 6: [1, 4]}}))
PLAIN = encode(ordered(claims()))


def replaced(old, new):
    assert PLAIN.count(old) == 1, old.hex()
    return PLAIN.replace(old, new)


def swapped():
    """Keys 6 and 7 in the wrong order."""
    six = encode(6) + encode(NOW)
    seven = encode(7) + encode(bytes.fromhex("c0f14abae824b3a4bfd574a047c8794c"))
    return replaced(six + seven, seven + six)


def deep(levels):
    value = 0
    for _ in range(levels):
        value = [value]
    return value


ADDED = public(bytes([9] * 32))
TRUST = encode({1: [[ADDED, 3, "prov.example"]], 2: [bytes(8)]})
EMBEDDED = {3: [["text/vnd.wap.connectivity-xml", b"<wap-provisioningdoc/>"]]}
SETTINGS = {5: ordered({"a": 1, "b": "text", "c": b"octets", "d": True, "e": -7})}

VECTORS = [
    ("trial-and-configuration", "ok", V1),
    ("full", "ok", V2),
    ("everything", "ok", document(claims(put={
        5: NOW, -70002: {**CONFIG1, 2: {1: "client@prov.example", 2: b"secret"}, **EMBEDDED, **SETTINGS}},
        license={4: 600, 8: 280, 9: 1}))),
    ("unknown-claim", "ok", document(claims(put={300: [1, {2: 3}]}))),
    ("unknown-text-claim", "ok", document(claims(put={"note": "hello"}))),
    ("configuration-alone", "ok", document(claims(without=[-70001, 4]), OTHER)),
    ("trust-update", "ok", document(claims(without=[-70001, 4], put={-70002: {4: TRUST}}), OTHER)),
    ("too-big", "too-big", document(claims(put={-70002: {3: [["a/b", bytes(4000)]]}}))),
    ("no-tag", "malformed", V1[1:]),
    ("another-tag", "malformed", document(claims(), tag=98)),
    ("unprotected-header", "malformed", document(claims(), unprotected={4: b"x"})),
    ("trailing-octet", "malformed", V1 + b"\x00"),
    ("short-signature", "malformed", V1[:-66] + b"\x58\x3f" + V1[-63:]),
    ("extra-label", "bad-header", document(claims(), header={2: [16]})),
    ("missing-label", "bad-header", document(claims(), head=encode({1: -19, 4: kid(ISSUER)}))),
    ("long-form-header", "bad-header", document(claims(), head=protected(ISSUER).replace(b"\x04\x48", b"\x18\x04\x48"))),
    ("deprecated-algorithm", "bad-alg", document(claims(), header={1: -8})),
    ("another-algorithm", "bad-alg", document(claims(), header={1: -7})),
    ("signed-request", "wrong-typ", document(claims(), header={16: "application/vnd.example.provreq+cbor"})),
    ("another-vendor", "wrong-typ", document(claims(), header={16: TYPE.replace("example", "examples")})),
    ("unknown-key", "unknown-key", document(claims(), DEVICE)),
    ("payload-bit", "bad-signature", V1[:120] + bytes([V1[120] ^ 1]) + V1[121:]),
    ("another-protocol", "bad-signature", document(claims(), aad=b"provlic-v2")),
    ("key-id-of-another", "bad-signature", document(claims(), header={4: kid(OTHER)})),
    ("long-integer", "malformed", document(None, raw=replaced(b"\x82\x01\x07", b"\x82\x01\x19\x00\x07"))),
    ("swapped-keys", "malformed", document(None, raw=swapped())),
    ("doubled-key", "malformed", document(None, raw=b"\xac" + replaced(b"\x06" + encode(NOW), (b"\x06" + encode(NOW)) * 2)[1:])),
    ("indefinite-map", "malformed", document(None, raw=b"\xbf" + PLAIN[1:] + b"\xff")),
    ("trailing-claim", "malformed", document(None, raw=PLAIN + b"\x00")),
    ("too-deep", "malformed", document(claims(put={300: deep(6)}))),
    ("float", "malformed", document(claims(put={300: 1.5}))),
    ("tag-inside", "malformed", document(claims(put={300: cbor2.CBORTag(1, 5)}))),
    ("unknown-own-claim", "malformed", document(claims(put={-70500: 1}))),
    ("unknown-license-key", "malformed", document(claims(license={10: 1}))),
    ("no-issuer", "malformed", document(claims(without=[1]))),
    ("long-name", "malformed", document(claims(put={2: "x" * 65}))),
    ("empty-name", "malformed", document(claims(put={2: ""}))),
    ("short-nonce", "malformed", document(claims(put={10: bytes(15)}))),
    ("state-3", "malformed", document(claims(license={1: 3}))),
    ("feature-64", "malformed", document(claims(license={6: [64]}))),
    ("wide-seq", "malformed", document(claims(license={2: [1, 1 << 32]}))),
    ("neither", "malformed", document(claims(without=[-70001, -70002]))),
    ("configuration-is-no-map", "malformed", document(claims(put={-70002: 1}))),
    ("another-issuer", "role", document(claims(put={1: "other.example"}))),
    ("license-by-configuration-key", "role", document(claims(), OTHER)),
    ("trust-by-license-key", "role", document(claims(put={-70002: {4: TRUST}}))),
    ("another-product", "wrong-product", document(claims(put={3: "example-clients"}))),
    ("another-identity", "wrong-device", document(claims(put={256: UEID[:-1] + b"\x01"}))),
    ("another-key", "wrong-device", document(claims(put={8: {1: {1: 1, -1: 6, -2: public(OTHER)}}}))),
    ("no-identity", "wrong-device", document(claims(without=[256]))),
    ("no-key", "wrong-device", document(claims(without=[8]))),
    ("another-nonce", "stale-nonce", document(claims(put={10: bytes(16)}))),
    ("no-nonce", "stale-nonce", document(claims(without=[10]))),
    ("lower-seq", "replayed", document(claims(license={2: [1, 6]}))),
    ("lower-epoch", "replayed", document(claims(license={2: [0, 9]}))),
    ("same-seq", "replayed", document(claims(license={2: [1, 6], 4: 1}))),
    ("ends-before-it-begins", "bad-time", document(claims(put={4: NOW}))),
    ("begins-later", "bad-time", document(claims(put={5: NOW + 301}))),
    ("older-than-the-image", "bad-time", document(claims(put={6: 1000, 4: 2000}))),
    ("endless-trial", "bad-time", document(
        claims(without=[4], put={-70001: {key: value for key, value in LICENSE1.items() if key != 7}}))),
    ("unknown-configuration-key", "bad-config", document(claims(put={-70002: {6: 1}}))),
    ("endpoint-without-host", "bad-config", document(claims(put={-70002: {1: {2: 443}}}))),
    ("setting-is-a-list", "bad-config", document(claims(put={-70002: {5: {"a": [1]}}}))),
    ("refused-by-handler", "bad-config", document(claims(put={-70002: {3: [["text/unknown", b"?"]]}}))),
]


def main():
    print("# name, code, octets; made by make.py with cbor2 and cryptography")
    for name, code, octets in VECTORS:
        print(name, code, octets.hex())


if __name__ == "__main__":
    sys.exit(main())
