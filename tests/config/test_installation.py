"""docs/production.md, followed: from its first command to a login through nginx.

compose-spec.json is the Compose Specification's own schema (Apache License 2.0).
"""

from __future__ import annotations

import json
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import jsonschema
import pytest
import requests
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.config.commands import PROJECT, Command, environment, run_python, wipe
from tests.config.served import HOST, LOGIN, PASSWORD, production, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.config.served import Served

PAGE = (PROJECT / "docs" / "production.md").read_text()
DEPLOY = PROJECT / "config" / "deploy"
TIMEOUT = 60
# What a test neither may nor need do: the code is here, its environment is made, and systemd and
# the system's nginx are not ours.
ELSEWHERE = re.compile(
    r"git clone|cd /srv|python3 -m venv|\.venv/bin/pip |.*config\.dev\.browser|"
    r"useradd|chown|systemctl|cp config/deploy|nginx -t"
)
SYSTEMD_ANALYZE = shutil.which("systemd-analyze")
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")


def commands() -> list[str]:
    """Every command of the page's blocks, in order."""
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE, re.M | re.S)
    return [line for block in blocks for line in block.splitlines()]


@pytest.fixture(scope="module")
def home(open_folder: Path) -> Iterator[Path]:
    """PostgreSQL and Redis, as somebody else provides them."""
    folder = open_folder / "home"
    holder = Command(folder)
    holder.ensure()
    yield folder
    holder.end()
    wipe(folder)


@pytest.fixture(scope="module")
def project(home: Path, open_folder: Path) -> Path:
    """A clean copy of the code, installed as the page says."""
    folder = open_folder / "srv" / "redrive"
    kept_out = shutil.ignore_patterns(
        ".git",
        ".venv",
        ".redrive",
        ".env",
        "__pycache__",
        ".*_cache",
        ".hypothesis",
        "staticfiles",
        "tests",
    )
    shutil.copytree(PROJECT, folder, ignore=kept_out)
    (folder / ".venv").symlink_to(Path(sys.prefix))
    for command in commands():
        if not ELSEWHERE.match(command):
            run(folder, home, command)
        if command.startswith("cp .env.example"):
            fill_in(folder / ".env", home)
    return folder


def run(folder: Path, home: Path, command: str) -> None:
    interactive = " --no-input --email ann@example.com --username " + LOGIN
    asked = command + (interactive if "createsuperuser" in command else "")
    done = subprocess.run(
        ["/bin/sh", "-c", asked], cwd=folder, capture_output=True, text=True, check=False,
        env=environment(home) | {"DJANGO_SUPERUSER_PASSWORD": PASSWORD},
    )  # fmt: skip
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    assert "WARNINGS" not in done.stderr, done.stderr


def fill_in(path: Path, home: Path) -> None:
    """The section "Production" of .env: what stands there commented out, with our values."""
    lines = path.read_text()
    section = lines[: lines.index("# --- As you like")]
    for name, value in production(home).items():
        section, filled = re.subn(rf"^# {name}=.*$", f"{name}={value}", section, flags=re.M)
        assert filled or name.startswith("DJANGO_"), f"{name} is not in .env.example"
    left = re.findall(r"^# ([A-Z_]+)=", section, re.M)
    assert not left, f"the test fills in nothing for {left}"
    path.write_text(section)


@pytest.fixture(scope="module")
def served(project: Path, home: Path) -> Iterator[Served]:
    with serving(home, project) as one:
        yield one


def test_the_pages_commands_lead_to_an_installation(project: Path) -> None:
    assert (project / "staticfiles" / "imports" / "redrive.css").exists()
    assert len([c for c in commands() if not ELSEWHERE.match(c)]) >= 5


def test_the_page_starts_what_the_units_start(project: Path) -> None:
    table = re.findall(r"^\| \w+ \| `(.+?)` \|", PAGE, re.M)
    started = [
        re.search(r"^ExecStart=(.+)$", unit.read_text(), re.M)[1]  # type: ignore[index]
        for unit in sorted(DEPLOY.glob("*.service"))
    ]
    assert sorted(started) == sorted(f"/srv/redrive/{command}" for command in table)
    compose = yaml.safe_load((PROJECT / "compose.yaml").read_text())["services"]
    for name in ("worker", "sweeper"):
        assert any(command.endswith(compose[name]["command"]) for command in table)
    dockerfile = (PROJECT / "Dockerfile").read_text()
    assert '"gunicorn", "-c", "config/gunicorn.py"' in dockerfile
    assert "python -m gunicorn -c config/gunicorn.py" in (PROJECT / "Procfile").read_text()


@pytest.fixture(scope="module")
def certificate(open_folder: Path) -> tuple[Path, Path]:
    """A self-signed one and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    pem, private = open_folder / "redrive.pem", open_folder / "redrive.key"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )  # fmt: skip
    return pem, private


@contextmanager
def nginx(folder: Path, served: Served, certificate: tuple[Path, Path]) -> Iterator[Path]:
    """The documented proxy, on Unix sockets in place of ports 80 and 443; the folder of both."""
    pem, private = certificate
    site = (DEPLOY / "nginx.conf").read_text()
    site = re.sub(r"^ +listen \[::\].*\n", "", site, flags=re.M)
    site = site.replace("listen 80;", f"listen unix:{folder}/80;")
    site = site.replace("listen 443 ssl;", f"listen unix:{folder}/443 ssl;")
    site = site.replace("127.0.0.1:8000", f"127.0.0.1:{served.port}")
    site = site.replace("/etc/ssl/redrive.pem", str(pem))
    site = site.replace("/etc/ssl/private/redrive.key", str(private))
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/pid; error_log stderr notice; worker_processes 1;\n"
        f"events {{}}\nhttp {{\naccess_log off;\n{temporary}{site}}}\n"
    )
    asked = [str(NGINX), "-p", str(folder), "-c", str(folder / "nginx.conf")]
    tested = subprocess.run([*asked, "-t"], capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stderr
    process = subprocess.Popen(asked, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        for line in process.stderr:
            if "start worker process " in line:
                break
        yield folder
    finally:
        process.terminate()
        process.communicate()


class Visitor:
    """A browser's part: HTTP over nginx's sockets, with cookies that are kept."""

    def __init__(self, folder: Path, pem: Path) -> None:
        self.folder, self.cookies = folder, {}  # type: Path, dict[str, str]
        self.tls = ssl.create_default_context(cafile=str(pem))

    def ask(
        self, path: str, form: dict[str, str] | None = None, port: int = 443, forged: str = ""
    ) -> Any:
        """The answer, read; `forged` is what the client says of its own address."""
        connection = HTTPConnection(HOST, timeout=TIMEOUT)
        plain = socket.socket(socket.AF_UNIX)
        plain.settimeout(TIMEOUT)
        plain.connect(str(self.folder / str(port)))
        connection.sock = (
            self.tls.wrap_socket(plain, server_hostname=HOST) if port == 443 else plain
        )
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent = {"Cookie": cookies, "Referer": f"https://{HOST}/"}
        if forged:
            sent["X-Forwarded-For"] = forged
        body = None
        if form is not None:
            body = urlencode({**form, "csrfmiddlewaretoken": self.cookies["csrftoken"]})
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request("POST" if form is not None else "GET", path, body, sent)
        answer: Any = connection.getresponse()
        for header in answer.headers.get_all("Set-Cookie", []):
            name, _, value = header.partition(";")[0].partition("=")
            self.cookies[name] = value
        answer.content = answer.read()
        connection.close()
        return answer


@pytest.fixture
def visitor(served: Served, certificate: tuple[Path, Path]) -> Iterator[Visitor]:
    if NGINX is None:
        pytest.skip("nginx is not installed here (Debian: apt-get install nginx-light)")
    with tempfile.TemporaryDirectory() as short:  # a socket's path has a limit
        folder = Path(short)
        folder.chmod(0o755)
        with nginx(folder, served, certificate):
            yield Visitor(folder, certificate[0])


def test_a_login_through_nginx_works_and_goes_round_in_no_circle(visitor: Visitor) -> None:
    plain = visitor.ask("/admin/", port=80)
    assert (plain.status, plain.headers["Location"]) == (301, f"https://{HOST}/admin/")
    assert visitor.ask("/admin/").status == 302
    page = visitor.ask("/admin/login/?next=/admin/")
    assert page.status == 200
    entered = visitor.ask("/admin/login/?next=/admin/", {"username": LOGIN, "password": PASSWORD})
    assert (entered.status, entered.headers["Location"]) == (302, "/admin/")
    home = visitor.ask("/admin/")
    assert home.status == 200
    (style,) = re.findall(rb'href="(/static/imports/redrive[^"]*\.css)"', home.content)
    assert visitor.ask(style.decode()).status == 200


def test_health_answers_through_nginx_and_metrics_only_behind_it(
    visitor: Visitor, served: Served
) -> None:
    assert visitor.ask("/healthz").status == 200
    ready = visitor.ask("/readyz")
    assert json.loads(ready.content)["database"] == "ok"
    assert visitor.ask("/metrics").status == 404
    scraped = requests.get(f"{served.address}/metrics", timeout=TIMEOUT)
    assert "redrive_database_up 1.0" in scraped.text


def test_what_a_client_says_of_its_address_does_not_unlock_an_account(visitor: Visitor) -> None:
    visitor.ask("/admin/login/")
    statuses = [
        visitor.ask(
            "/admin/login/", {"username": "eve", "password": "wrong"}, forged=f"192.0.2.{n}"
        ).status
        for n in range(12)
    ]  # fmt: skip
    assert statuses[0] == 200
    assert statuses[-1] == 429


def test_a_worker_refuses_a_database_that_nobody_has_migrated(home: Path) -> None:
    values = production(home)
    values["DATABASE_URL"] = values["DATABASE_URL"].replace("/redrive?", "/postgres?")
    assert "/postgres?" in values["DATABASE_URL"]
    done = run_python(home, "-m", "config.dev.processes", "worker", **values)
    assert done.returncode == 1
    assert "manage.py migrate" in done.stderr
    again = run_python(home, "manage.py", "migrate", "--check", **values)
    assert again.returncode == 1  # nothing was migrated


def test_check_deploy_names_what_a_proxy_needs(home: Path) -> None:
    values = production(home)
    strictly = ("manage.py", "check", "--deploy", "--fail-level", "WARNING")
    assert run_python(home, *strictly, **values).returncode == 0
    without = run_python(home, *strictly, **(values | {"BEHIND_PROXY": "0"}))
    assert without.returncode == 1
    assert "redrive.W001" in without.stderr


def test_the_compose_file_fits_the_specification() -> None:
    compose = yaml.safe_load((PROJECT / "compose.yaml").read_text())
    schema = json.loads((Path(__file__).parent / "compose-spec.json").read_text())
    jsonschema.Draft7Validator(schema).validate(compose)
    services = compose["services"]
    assert {"web", "worker", "sweeper", "postgres", "redis", "minio"} <= set(services)
    assert services["worker"]["deploy"]["replicas"] == 2
    for service in services.values():
        assert set(service.get("depends_on", {})) <= set(services)


@pytest.mark.skipif(SYSTEMD_ANALYZE is None, reason="no systemd-analyze here")
def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    for unit in DEPLOY.glob("redrive*"):
        text = unit.read_text().replace(
            "/srv/redrive/.venv/bin/", f"{Path(sys.executable).parent}/"
        )
        (tmp_path / unit.name).write_text(text)
    units = sorted(str(path) for path in tmp_path.iterdir())
    done = subprocess.run(
        [str(SYSTEMD_ANALYZE), "verify", *units], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    about_ours = [line for line in done.stderr.splitlines() if "redrive" in line]
    assert about_ours == []


def test_the_lock_has_every_pin_with_hashes() -> None:
    pins = re.findall(r"^([\w.-]+)(?:\[.*?\])?==([\w.]+)(?=\s|$|;)(?!.*python_full_version)",
                      (PROJECT / "requirements.txt").read_text(), re.M)  # fmt: skip
    locked = dict(
        re.findall(
            r"^([\w.-]+)==([\w.]+)[^\n]*\\\n    --hash",
            (PROJECT / "requirements.lock").read_text(), re.M,
        )
    )  # fmt: skip
    wanted = {name.lower().replace("_", "-"): version for name, version in pins}
    assert len(wanted) > 30
    assert {n: v for n, v in wanted.items() if locked.get(n) != v} == {}, "run: make lock"
