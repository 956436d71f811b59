"""Strict JSON, manifests and configs."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci.errors import ManifestInvalid, ManifestTooLarge, ManifestUnsupported, PipelineError
from ci.oci.digest import digest_of
from ci.oci.manifest import (
    DOCKER_LIST,
    OCI_INDEX,
    OCI_MANIFEST,
    Document,
    Index,
    Manifest,
    parse_config,
    parse_document,
)
from ci.oci.platform import parse_platform
from ci.oci.strict_json import MANIFEST_LIMIT_BYTES, parse_json

BAD_JSON = {
    "empty": b"",
    "no object": b"[]",
    "duplicate key": b'{"a":1,"a":2}',
    "duplicate key inside": b'{"a":{"b":1,"b":1}}',
    "NaN": b'{"a":NaN}',
    "infinity": b'{"a":-Infinity}',
    "deep": b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    "deeper than 64": b'{"a":' + b"[" * 70 + b"]" * 70 + b"}",
    "huge number": b'{"a":' + b"9" * 5000 + b"}",
    "no UTF-8": b'{"a":"\xff"}',
    "byte order mark": b"\xef\xbb\xbf{}",
    "trailing": b"{} {}",
    "HTML": b"<html></html>",
}


@pytest.mark.parametrize("raw", BAD_JSON.values(), ids=BAD_JSON.keys())
def test_ambiguous_json_is_refused_quickly(raw):
    begun = time.process_time()
    with pytest.raises(ManifestInvalid):
        parse_json(raw)
    # Milliseconds; the margin is for machines that are busy.
    assert time.process_time() - begun < 5


def test_too_large_json_is_refused():
    with pytest.raises(ManifestTooLarge):
        parse_json(b" " * (MANIFEST_LIMIT_BYTES + 1))


@given(st.dictionaries(st.text(), st.integers(-(10**18), 10**18) | st.text() | st.booleans()))
def test_plain_json_is_read(value):
    assert parse_json(json.dumps(value).encode()) == value


def descriptor(raw=b"x", **more):
    return {"mediaType": "a/b", "digest": str(digest_of(raw)), "size": len(raw), **more}


def document(media_type, **value):
    value = {"schemaVersion": 2, "mediaType": media_type, **value}
    return Document(json.dumps(value).encode(), media_type)


def test_the_digest_is_of_the_bytes_and_not_of_the_meaning():
    one = Document(b'{"a":1}', OCI_INDEX)
    other = Document(b'{"a": 1}', OCI_INDEX)
    assert one.digest != other.digest
    assert one.digest == digest_of(one.raw)


def test_a_manifest_is_read():
    found = parse_document(document(OCI_MANIFEST, config=descriptor(), layers=[descriptor(b"y")]))
    assert isinstance(found, Manifest)
    assert found.layers[0].digest == digest_of(b"y")


@pytest.mark.parametrize("media_type", [OCI_INDEX, DOCKER_LIST])
def test_an_index_is_read_with_its_platforms(media_type):
    child = descriptor(platform={"os": "linux", "architecture": "arm64", "variant": "v8"})
    found = parse_document(document(media_type, manifests=[child]))
    assert isinstance(found, Index)
    assert found.manifests[0].platform == parse_platform("linux/arm64")


def test_a_manifest_without_media_type_has_the_served_one():
    raw = json.dumps({"schemaVersion": 2, "manifests": []}).encode()
    assert isinstance(parse_document(Document(raw, OCI_INDEX)), Index)


UNSUPPORTED = {
    "schema 1": Document(b'{"schemaVersion":1}', "application/vnd.docker.distribution.manifest.v1"),
    "unknown type": document("application/vnd.something+json"),
    "type at odds with the header": Document(
        json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX}).encode(), OCI_MANIFEST
    ),
}


@pytest.mark.parametrize("found", UNSUPPORTED.values(), ids=UNSUPPORTED.keys())
def test_an_unknown_manifest_is_refused(found):
    with pytest.raises(ManifestUnsupported):
        parse_document(found)


BAD_SHAPES = {
    "no config": document(OCI_MANIFEST, layers=[]),
    "no layers": document(OCI_MANIFEST, config=descriptor()),
    "no manifests": document(OCI_INDEX),
    "a number among them": document(OCI_INDEX, manifests=[1]),
    "bad digest": document(OCI_INDEX, manifests=[descriptor() | {"digest": "sha256:x"}]),
    "negative size": document(OCI_INDEX, manifests=[descriptor() | {"size": -1}]),
    "boolean size": document(OCI_INDEX, manifests=[descriptor() | {"size": True}]),
    "text size": document(OCI_INDEX, manifests=[descriptor() | {"size": "1"}]),
    "platform is text": document(OCI_INDEX, manifests=[descriptor(platform="linux")]),
    "annotations hold numbers": document(OCI_INDEX, manifests=[], annotations={"a": 1}),
}


@pytest.mark.parametrize("found", BAD_SHAPES.values(), ids=BAD_SHAPES.keys())
def test_a_manifest_of_another_shape_is_refused(found):
    with pytest.raises(ManifestInvalid):
        parse_document(found)


CONFIG = {
    "os": "linux",
    "architecture": "amd64",
    "rootfs": {"type": "layers", "diff_ids": ["sha256:1", "sha256:2"]},
    "config": {"Labels": {"a": "b"}},
}


def test_a_config_is_read():
    found = parse_config(json.dumps(CONFIG).encode())
    assert (found.platform, found.labels, found.layer_count) == (
        parse_platform("linux/amd64"),
        {"a": "b"},
        2,
    )


@pytest.mark.parametrize(
    "change",
    [
        {"os": ""},
        {"architecture": 1},
        {"rootfs": {}},
        {"rootfs": []},
        {"config": {"Labels": []}},
        {"config": {"Labels": {"a": 1}}},
    ],
)
def test_a_config_of_another_shape_is_refused(change):
    with pytest.raises(ManifestInvalid):
        parse_config(json.dumps(CONFIG | change).encode())


def test_an_image_without_labels_has_none():
    raw = json.dumps(CONFIG | {"config": {"Labels": None}}).encode()
    assert parse_config(raw).labels == {}


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(raw):
    for parse in (parse_config, lambda raw: parse_document(Document(raw, OCI_INDEX))):
        try:
            parse(raw)
        except PipelineError as error:
            assert error.exit_class == 6
