"""Which environments are usable."""

import pytest

from observer.settings import SettingsInvalid, parse_settings

PASSWORD = "hunter2"

BAD_ENVIRONMENTS = {
    "another database": {"DATABASE_URL": f"mysql://root:{PASSWORD}@db/x"},
    "no host": {"DATABASE_URL": "postgresql:///observer"},
    "port that is no number": {"DATABASE_URL": f"postgresql://o:{PASSWORD}@db:port/x"},
    "unknown word": {"HEALTH_DATABASE": "no"},
    "word in capitals": {"HEALTH_DATABASE": "Optional"},
    "no limit": {"HEALTH_LIMIT_S": "0"},
    "limit beyond the probe's own": {"HEALTH_LIMIT_S": "3.1"},
    "limit that is not a number": {"HEALTH_LIMIT_S": "nan"},
    "port with a unit": {"PORT": "8000/tcp"},
    "port too high": {"PORT": "65536"},
}


@pytest.mark.parametrize("environ", BAD_ENVIRONMENTS.values(), ids=BAD_ENVIRONMENTS.keys())
def test_a_bad_variable_is_named_and_a_password_is_not(environ: dict[str, str]) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        parse_settings(environ)
    assert len(caught.value.faults) == 1
    assert next(iter(environ)) in caught.value.faults[0]
    assert PASSWORD not in str(caught.value)


def test_all_faults_are_reported_together() -> None:
    with pytest.raises(SettingsInvalid) as caught:
        parse_settings({"PORT": "x", "HEALTH_DATABASE": "x", "HEALTH_LIMIT_S": "x"})
    assert len(caught.value.faults) == 3


def test_the_password_is_not_in_the_settings_repr() -> None:
    settings = parse_settings({"DATABASE_URL": f"postgresql://o:{PASSWORD}@db/x"})
    assert settings.database_url is not None
    assert PASSWORD not in repr(settings)


def test_empty_variables_count_as_unset() -> None:
    names = "APP_TAG APP_REVISION DATABASE_URL HEALTH_DATABASE HEALTH_LIMIT_S PORT".split()
    empty = dict.fromkeys(names, "")
    assert parse_settings(empty) == parse_settings({})
