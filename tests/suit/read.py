#!/usr/bin/env python3
"""Reads a SUIT envelope with tools that know nothing of Kedge, and prints what they see.

    read.py ENVELOPE PUBLIC_KEY_HEX

Needs from PyPI: cbor2 (CBOR), pycose (COSE), taylor-suit (a generator of SUIT manifests). Three checks:

1. cbor2 decodes the envelope and everything wrapped in it;
2. pycose verifies the COSE_Sign1 signature over the digest, hashlib the digest over the manifest and that of the payload;
3. taylor, told in its JSON what was read, writes the same manifest, but that it sorts parameters by their names.

Ends with 0 if all agree, with 3 if a tool is missing, with 1 otherwise.
"""
import hashlib
import json
import sys

try:
    import cbor2
    import taylor
    from pycose.keys import OKPKey
    from pycose.keys.curves import Ed25519
    from pycose.messages import Sign1Message
except ImportError as missing:
    print(f"missing: {missing}")
    sys.exit(3)

COMMANDS = {
    1: "suit-condition-vendor-identifier",
    2: "suit-condition-class-identifier",
    3: "suit-condition-image-match",
    12: "suit-directive-set-component-index",
    18: "suit-directive-write",
    20: "suit-directive-override-parameters",
    21: "suit-directive-fetch",
}
PARAMETERS = {1: "vendor-id", 2: "class-id", 3: "image-digest", 14: "image-size", 18: "content", 21: "uri"}


def need(holds, what):
    print(f"{'ok' if holds else 'BAD'} {what}")
    if not holds:
        sys.exit(1)


def parameter(key, value):
    if key == 3:
        algorithm, digest = cbor2.loads(value)
        need(algorithm == -16, "digest algorithm is SHA-256")
        return {"algorithm": "sha256", "digest": digest.hex()}
    return value.hex() if isinstance(value, bytes) else value


def sequence(octets):
    """A command sequence in taylor's JSON: a list of objects with one command each."""
    flat = cbor2.loads(octets)
    commands = []
    for code, argument in zip(flat[::2], flat[1::2]):
        if code == 20:
            argument = {PARAMETERS[key]: parameter(key, value) for key, value in argument.items()}
        commands.append({COMMANDS[code]: argument})
    return commands


def main(path, public_key):
    with open(path, "rb") as file:
        envelope = cbor2.loads(file.read())
    need(envelope.tag == 107, "one CBOR item, tag 107: SUIT_Envelope")
    members = envelope.value
    need(set(members) == {2, 3, "#payload"}, "authentication, manifest and integrated payload, nothing else")
    digest, block = cbor2.loads(members[2])

    sign1 = cbor2.loads(block)
    need(sign1.tag == 18, "authenticated by a COSE_Sign1, tag 18")
    protected, unprotected, payload, signature = sign1.value
    need(payload is None, "its payload is detached")
    message = Sign1Message.from_cose_obj([protected, dict(unprotected), digest, signature], True)
    message.key = OKPKey(crv=Ed25519, x=bytes.fromhex(public_key))
    need(message.verify_signature(), f"pycose: COSE_Sign1 is right, {message.phdr}")
    algorithm, value = cbor2.loads(digest)
    wrapped = cbor2.dumps(members[3])
    need(algorithm == -16 and hashlib.sha256(wrapped).digest() == value, "the digest is that of the manifest")

    manifest = cbor2.loads(members[3])
    need(set(manifest) == {1, 2, 3, 7, 20}, "manifest has version, sequence, common, validate, install")
    common = cbor2.loads(manifest[3])
    told = {
        "version": manifest[1],
        "sequence-number": manifest[2],
        "suit-common": {
            "suit-components": [[part.hex() for part in name] for name in common[2]],
            "suit-shared-sequence": sequence(common[4]),
        },
        "sequence": {
            "image-validation": sequence(manifest[7]),
            "payload-installation": sequence(manifest[20]),
        },
    }
    print(json.dumps(told, indent=1))
    ours = cbor2.loads(taylor.encode_manifest(told))
    same = "octet for octet" if ours == members[3] else "but for the order of parameters in a map"
    need(canonical(ours) == canonical(members[3]), f"taylor writes the same manifest, {same}")

    fetched = manifest_payload(told)
    payload = members["#payload"]
    need(len(payload) == fetched["image-size"], f"the payload has the {len(payload)} octets announced")
    need(hashlib.sha256(payload).hexdigest() == fetched["image-digest"]["digest"], "its SHA-256 is the one announced")


def manifest_payload(told):
    parameters = [c[COMMANDS[20]] for c in told["sequence"]["payload-installation"] if COMMANDS[20] in c]
    return next(p for p in parameters if p.get("uri") == "#payload")


def canonical(octets):
    """Everything in the octets, with what byte strings wrap, maps in one order."""

    def inner(value):
        if isinstance(value, bytes):
            try:
                decoded = cbor2.loads(value)
            except Exception:  # not CBOR: plain octets
                return value
            return ["bstr", inner(decoded)] if isinstance(decoded, (list, dict)) else value
        if isinstance(value, dict):
            return sorted(([key, inner(item)] for key, item in value.items()), key=repr)
        if isinstance(value, (list, tuple)):
            return [inner(item) for item in value]
        return value

    return inner(octets)


if __name__ == "__main__":
    main(*sys.argv[1:])
