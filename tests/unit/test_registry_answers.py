"""Challenges, refusals and tokens: which cause is named, and what to do about it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci.decisions.challenge import Challenge, check_realm, parse_challenge
from ci.decisions.credentials import check_token_given, clean_token, user_of
from ci.decisions.engine_text import last_lines
from ci.decisions.registry_answers import Answer, error_of
from ci.errors import (
    AuthRequired,
    ChallengeInvalid,
    ChallengeUnsafe,
    NotFoundOrDenied,
    OwnerUnknown,
    PermissionMissing,
    RegistryThrottled,
    RegistryUnavailable,
    RequestRefused,
    TokenKind,
    TokenMalformed,
    TokenRejected,
)
from ci.oci.reference import parse_repository

GITHUB = parse_repository("ghcr.io/acme/observer")
LOCAL = parse_repository("localhost:5000/acme/observer")


def answer(status, body="", **more):
    return Answer(status, body, GITHUB, **more)


DENIED = '{"errors":[{"code":"DENIED","message":"%s"}]}'
# FAILURES.md, section 3: what GitHub's registry was seen to answer.
ANSWERS = {
    "no credentials": (answer(401, judges_identity=True), AuthRequired),
    "missing or private, anonymous": (
        answer(401, DENIED % "requested access to the resource is denied", judges_identity=True),
        NotFoundOrDenied,
    ),
    "expired token, 403": (
        answer(403, DENIED % "denied", has_token=True, judges_identity=True),
        TokenRejected,
    ),
    "expired token, 401": (
        answer(
            401,
            '{"errors":[{"code":"UNAUTHORIZED","message":"unauthenticated: User cannot be'
            ' authenticated with the token provided."}]}',
            has_token=True,
            judges_identity=True,
        ),
        TokenRejected,
    ),
    "raw token as bearer": (answer(403, DENIED % "invalid token", has_token=True), TokenRejected),
    "no read": (
        answer(403, DENIED % "permission_denied: read_package", has_token=True),
        PermissionMissing,
    ),
    "no write": (
        answer(403, DENIED % "permission_denied: write_package", is_push=True, has_token=True),
        PermissionMissing,
    ),
    "organisation forbids": (
        answer(
            403,
            DENIED % "installation not allowed to Create organization package",
            is_push=True,
            has_token=True,
        ),
        PermissionMissing,
    ),
    "unknown owner": (answer(403, DENIED % "not_found: owner not found"), OwnerUnknown),
    "rate limit": (answer(429, "TOOMANYREQUESTS: retry-after: 10ms"), RegistryThrottled),
    "rate limit disguised as denial": (
        answer(403, DENIED % "permission_denied: You have exceeded a secondary rate limit"),
        RegistryThrottled,
    ),
    "bad gateway": (answer(502, "<html>"), RegistryUnavailable),
    "disk full": (answer(507, "full"), RegistryUnavailable),
    "push denied without words": (answer(403, "", is_push=True, has_token=True), PermissionMissing),
    "push refused after the token": (
        answer(401, "", is_push=True, has_token=True),
        PermissionMissing,
    ),
    "pull denied without words": (answer(403, "", has_token=True), NotFoundOrDenied),
    "missing": (answer(404, "", has_token=True), NotFoundOrDenied),
    "bad name": (answer(400, "NAME_INVALID"), RequestRefused),
}


@pytest.mark.parametrize(("refusal", "error"), ANSWERS.values(), ids=ANSWERS.keys())
def test_a_refusal_names_its_cause_and_a_remedy(refusal, error):
    found = error_of(refusal)
    assert type(found) is error
    assert found.remedy
    assert str(GITHUB) in found.cause


def test_causes_of_a_missing_write_are_told_apart_by_remedy():
    write = error_of(ANSWERS["no write"][0])
    organisation = error_of(ANSWERS["organisation forbids"][0])
    assert "packages: write" in write.remedy
    assert "organisation" in organisation.remedy


@given(st.integers(400, 599), st.text())
def test_any_refusal_is_named_in_ascii(status, body):
    assert str(error_of(answer(status, body))).isascii()


def test_a_bearer_challenge_is_read():
    found = parse_challenge(
        'Bearer realm="https://ghcr.io/token",service="ghcr.io", scope="repository:a/b:pull,push"'
    )
    assert found == Challenge("bearer", "https://ghcr.io/token", "ghcr.io")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ('Basic realm="x"', Challenge("basic", "x")),
        ("Basic", Challenge("basic")),
        (
            'bearer REALM="https://a/t" , error=insufficient_scope',
            Challenge("bearer", "https://a/t", "", "insufficient_scope"),
        ),
    ],
)
def test_other_challenges_are_read(header, expected):
    assert parse_challenge(header) == expected


@pytest.mark.parametrize(
    "header", ["", "Digest realm=x", "Bearer realm", 'Bearer realm="x', "Bearer ="]
)
def test_an_unreadable_challenge_is_refused(header):
    with pytest.raises(ChallengeInvalid):
        parse_challenge(header)


@given(st.text())
def test_any_challenge_is_read_or_refused(header):
    try:
        parse_challenge(header)
    except ChallengeInvalid as error:
        assert str(error).isascii()


SAFE = [
    ("https://ghcr.io/token", "ghcr.io", False),
    ("https://auth.docker.io/token", "registry-1.docker.io", False),
    ("http://localhost:5001/token", "localhost:5000", True),
    ("http://127.0.0.1:5001/token", "localhost:5000", True),
    ("http://registry.test:5000/token", "registry.test:5000", True),
    ("https://localhost:5001/token", "localhost:5000", True),
]
UNSAFE = [
    ("http://ghcr.io/token", "ghcr.io", False),
    ("https://evil.example/token", "ghcr.io", False),
    ("https://ghcr.io.evil.example/token", "ghcr.io", False),
    ("https://ghcr.io@evil.example/token", "ghcr.io", False),
    ("https://user:pw@ghcr.io/token", "ghcr.io", False),
    ("http://localhost/token", "ghcr.io", False),
    ("http://169.254.169.254/token", "localhost:5000", True),
    ("https://evil.example/token", "localhost:5000", True),
    ("http://localhost:5001@evil.example/token", "localhost:5000", True),
    ("file:///etc/passwd", "ghcr.io", False),
    ("//ghcr.io/token", "ghcr.io", False),
    ("", "ghcr.io", False),
    ("https://[bad/token", "ghcr.io", False),
]


@pytest.mark.parametrize(("realm", "registry", "is_plain"), SAFE)
def test_credentials_go_to_the_registrys_own_token_service(realm, registry, is_plain):
    check_realm(realm, registry, is_plain=is_plain)


@pytest.mark.parametrize(("realm", "registry", "is_plain"), UNSAFE)
def test_credentials_go_nowhere_else(realm, registry, is_plain):
    with pytest.raises(ChallengeUnsafe):
        check_realm(realm, registry, is_plain=is_plain)


@pytest.mark.parametrize("text", ["ghp_abc", "ghp_abc\n", "  ghp_abc\r\n"])
def test_white_space_around_a_token_is_dropped(text):
    assert clean_token(text, GITHUB) == "ghp_abc"


@pytest.mark.parametrize("text", ["", " \n", "a b", "a\nb", "a\x00b", "t\u00f6ken"])
def test_a_malformed_token_is_refused_and_never_shown(text):
    with pytest.raises(TokenMalformed) as caught:
        clean_token(text, GITHUB)
    assert len(text.strip()) < 2 or text.strip() not in str(caught.value)


def test_a_fine_grained_token_is_refused_for_github_only():
    with pytest.raises(TokenKind) as caught:
        clean_token("github_pat_SECRET", GITHUB)
    assert "SECRET" not in str(caught.value)
    assert clean_token("github_pat_SECRET", LOCAL) == "github_pat_SECRET"


def test_without_a_token_both_ways_on_are_named():
    with pytest.raises(AuthRequired) as caught:
        check_token_given(GITHUB, has_token=False)
    assert "--token env:GITHUB_TOKEN" in caught.value.remedy
    assert "--image localhost:5000/acme/observer --via tcp://localhost:5000" in caught.value.remedy
    check_token_given(GITHUB, has_token=True)
    check_token_given(LOCAL, has_token=False)


def test_the_user_is_the_owner_when_not_given():
    assert user_of("", GITHUB) == "acme"
    assert user_of("me", GITHUB) == "me"


def test_an_engines_output_is_cut_cleaned_and_without_the_secret():
    text = "\n".join(f"line {number}" for number in range(100))
    text += "\nhunter2 aHVudGVyMg== \x1b[31m::error::x"
    found = last_lines(text, "hunter2", lines=3)
    assert found.splitlines()[0] == "line 98"
    assert len(found.splitlines()) == 3
    for hidden in ("hunter2", "aHVudGVyMg", "\x1b", "::error"):
        assert hidden not in found


def test_remedies_fit_the_registry():
    here = error_of(Answer(403, "", LOCAL, is_push=True, has_token=True))
    github = error_of(answer(403, "", is_push=True, has_token=True))
    assert "--user NAME" in here.remedy
    assert "packages: write" not in here.remedy
    assert "packages: write" in github.remedy
