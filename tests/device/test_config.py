# /config/ota.json: absent is open, unreadable is closed, secrets stay.
import json

import board
from uota import config


def _config(text):
    board.write("/config/ota.json", text if isinstance(text, bytes) else text.encode())
    return config.load()


def test_absent_is_an_open_board():
    assert config.load() == ({}, None)


def test_gives_the_settings():
    assert _config('{"port": 1, "otaPassword": "", "signingKey": "k"}')[1] is None
    assert _config('{"otaPassword": "%s"}' % ("a" * 64))[1] is None
    word = "pbkdf2-sha256:200000:abab:" + "a" * 64
    assert _config('{"otaPassword": "%s"}' % word)[1] is None


def test_what_cannot_be_understood_is_closed():
    for text in (
        "", "{", "[]", "1", "null", '"x"', '{"otaPassword": 1}', '{"otaPassword": null}',
        '{"otaPassword": []}', '{"signingKey": {}}', '{"signingKey": false}',
        '{"otaPassword": "plain"}', '{"otaPassword": "pbkdf2-sha256:1:ab:%s"}' % ("a" * 63),
        '{"otaPassword": "md5:1:ab:%s"}' % ("a" * 64), '{"otaPassword": "%s"}' % ("g" * 64),
        '{"otaPassword": "pbkdf2-sha256:1:ab:"}',
        '{"a": 1} x', b"\xff\xfe{}", b'{"signingKey": "\xff"}',
    ):  # fmt: skip
        settings, broken = _config(text)
        assert broken and isinstance(settings, dict), text


def test_a_folder_in_its_place_is_closed():
    board.write("/config/ota.json/x")
    assert config.load()[1]


def test_masks_every_secret():
    _config('{"ssid": "s", "password": "p", "otaPassword": "%s", "signingKey": "k"}' % ("0" * 64))
    assert json.loads(config.masked()) == {
        "ssid": "s", "password": "***", "otaPassword": "***", "signingKey": "***",
    }  # fmt: skip
