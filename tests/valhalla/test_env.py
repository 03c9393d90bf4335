from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from valhalla.env import BASE_DIR, Environment, read_file

pytestmark = pytest.mark.sqlite  # no database is asked


def given(value: str) -> Environment:
    return Environment({"NAME": value})


@pytest.mark.parametrize("value", ["1", "true", "YES", " on "])
def test_a_flag_is_on(value):
    assert given(value).flag("NAME", default=False) is True


@pytest.mark.parametrize("value", ["0", "False", "no", "OFF"])
def test_a_flag_is_off(value):
    assert given(value).flag("NAME", default=True) is False


@pytest.mark.parametrize("default", [True, False])
def test_an_empty_flag_counts_as_unset(default):
    assert given("  ").flag("NAME", default=default) is default
    assert Environment({}).flag("NAME", default=default) is default


@pytest.mark.parametrize("value", ["2", "enabled", "1 # on", "-1"])
def test_an_odd_flag_stops_and_says_what_is_accepted(value):
    with pytest.raises(ImproperlyConfigured) as stop:
        given(value).flag("NAME", default=True)
    assert str(stop.value) == f"NAME is {value!r}; accepted is 1, true, yes, on or 0, false, no, off."


@pytest.mark.parametrize("value", ["1", "9"])
def test_an_integer_reaches_both_limits(value):
    assert given(value).integer("NAME", default=5, minimum=1, maximum=9) == int(value)


@pytest.mark.parametrize("value", ["0", "10", "1.5", "1_0", "+5", "five", "٣", "9" * 40])
def test_an_odd_integer_stops(value):
    with pytest.raises(ImproperlyConfigured, match=r"NAME is .*; accepted is a whole number from 1 to 9"):
        given(value).integer("NAME", default=5, minimum=1, maximum=9)


def test_a_choice_is_read_in_any_case_and_an_odd_one_stops():
    assert given("Token").choice("NAME", ("token", "open"), default="token") == "token"
    with pytest.raises(ImproperlyConfigured, match="NAME is 'opened'; accepted is one of token, open"):
        given("opened").choice("NAME", ("token", "open"), default="token")


@pytest.mark.parametrize("value", ["https://a.example", "a.example:443", "a b", "a,,b", "*"])
def test_odd_host_names_stop(value):
    with pytest.raises(ImproperlyConfigured, match=r"NAME is .*; accepted is host names"):
        given(value).hosts("NAME", default="localhost")


def test_host_names_stand_between_commas():
    assert given("a.example, .b.example,[::1],10.0.0.1").hosts("NAME", default="") == [
        "a.example",
        ".b.example",
        "[::1]",
        "10.0.0.1",
    ]


def test_a_relative_sqlite_file_lies_below_the_project():
    assert given("sqlite:///some.sqlite3").database("NAME", default="")["NAME"] == str(BASE_DIR / "some.sqlite3")


def test_an_absolute_sqlite_file_stays():
    assert given("sqlite:////srv/some.sqlite3").database("NAME", default="")["NAME"] == "/srv/some.sqlite3"


def test_a_socket_of_postgresql_stands_in_the_options():
    config = given("postgresql://someone@/shop?host=/run/postgresql").database("NAME", default="")
    assert config["ENGINE"] == "django.db.backends.postgresql"
    assert (config["USER"], config["NAME"], config["HOST"]) == ("someone", "shop", "")
    assert config["OPTIONS"] == {"host": "/run/postgresql"}


@pytest.mark.parametrize(
    "value",
    ["sqlite://", "sqlite://:memory:", "sqlite://db.sqlite3", "mysql://u:hidden@h/n", "postgresql://u:hidden@h/", "odd",
     "postgresql://u:hidden@h:port/n"],
)  # fmt: skip
def test_an_odd_database_stops_without_telling_its_password(value):
    with pytest.raises(ImproperlyConfigured, match=r"NAME is .*; accepted is sqlite:///FILE or postgresql://") as stop:
        given(value).database("NAME", default="")
    assert "hidden" not in str(stop.value)


def test_the_process_wins_over_the_file(tmp_path: Path, monkeypatch):
    file = tmp_path / "env"
    file.write_text("# a comment\n\nexport HTTPS=1\nSECRET_KEY='a#b'\nPORT=1\n")
    monkeypatch.setenv("VALHALLA_ENV_FILE", str(file))
    monkeypatch.setenv("PORT", "2")
    for name in ("HTTPS", "SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    env = Environment.load()
    assert (env.text("HTTPS"), env.text("SECRET_KEY"), env.text("PORT")) == ("1", "a#b", "2")


def test_an_empty_file_name_reads_no_file(monkeypatch):
    monkeypatch.setenv("VALHALLA_ENV_FILE", "")
    monkeypatch.delenv("BIND", raising=False)
    assert not Environment.load().has("BIND")


def test_a_named_file_that_is_missing_stops(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("VALHALLA_ENV_FILE", str(tmp_path / "missing"))
    with pytest.raises(ImproperlyConfigured, match="missing cannot be read"):
        Environment.load()


@pytest.mark.parametrize("line", ["HTTPS = 1", "HTTPS", "HTTPS: 1"])
def test_a_line_that_is_not_understood_stops_and_is_named(tmp_path: Path, line):
    file = tmp_path / "env"
    file.write_text(f"ENV=production\n{line}\n")
    with pytest.raises(ImproperlyConfigured, match="line 2: expected NAME=value"):
        read_file(file)


def test_the_example_is_understood():
    assert read_file(BASE_DIR / ".env.example")["API_AUTH"] == "open"


def test_networks_stand_between_commas_and_none_is_the_default():
    assert [str(one) for one in given("10.0.0.5, 10.1.0.0/16,::1").networks("NAME")] == [
        "10.0.0.5/32", "10.1.0.0/16", "::1/128",
    ]  # fmt: skip
    assert given("").networks("NAME") == []


@pytest.mark.parametrize("value", ["10.0.0.1/8", "proxy.example", "10.0.0.0/33", "*"])
def test_odd_networks_stop(value):
    with pytest.raises(ImproperlyConfigured, match=r"NAME is .*; accepted is addresses and networks"):
        given(value).networks("NAME")


def test_a_mail_server_is_read_with_its_port_and_encryption():
    read = given("smtp+tls://ops:p%40ss@mail.example.com:587").mail("NAME")
    assert (read["EMAIL_HOST"], read["EMAIL_PORT"], read["EMAIL_USE_TLS"]) == ("mail.example.com", 587, True)
    assert (read["EMAIL_HOST_USER"], read["EMAIL_HOST_PASSWORD"]) == ("ops", "p@ss")
    assert given("smtp+ssl://mail.example.com:465").mail("NAME")["EMAIL_USE_SSL"] is True
    assert given("consolemail://").mail("NAME")["EMAIL_BACKEND"].endswith("console.EmailBackend")
    assert given("").mail("NAME") == {}


@pytest.mark.parametrize(
    "value", ["pop3://u:hunter2@h", "hunter2", "smtp://", "smtp://u:hunter2@h:99999", "filemail:///x"]
)
def test_an_odd_mail_server_stops_without_its_password(value):
    with pytest.raises(ImproperlyConfigured, match=r"NAME is .*; accepted is smtp://") as stop:
        given(value).mail("NAME")
    assert "hunter2" not in str(stop.value)
