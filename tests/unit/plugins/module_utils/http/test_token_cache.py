# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A token is kept for its user alone, whole or not at all, and the cache never fails a task."""

from __future__ import annotations

import json
import math
import multiprocessing
import os
import resource
import signal
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import ConfigurationError
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.http import token_cache
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.http.token_cache import (
    LoginKey,
    Token,
    TokenCache,
    _proof,
    cache_folder,
)
from hypothesis import example, given
from hypothesis import strategies as st

URL = "https://use.jetstream-cloud.org"
ADA, BOB = LoginKey(URL, "ada", "s3cret"), LoginKey(URL, "bob", "s3cret")
NOW = datetime(2026, 11, 23, 18, 57, tzinfo=UTC)
TOKEN = Token("0123456789abcdef", NOW + timedelta(days=1))
OTHER = Token("fedcba9876543210", NOW + timedelta(days=2))
# A child that hangs ends the test with a failure, not the run.
BOUND = 30.0
# As users have it: it is read before the tests begin, for which it is less.
ROUNDS = token_cache._ROUNDS


class ManualClock:
    """Time that passes only in a sleep."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.seconds)

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "jetstream" / "tokens"


@pytest.fixture
def cache(folder: Path) -> TokenCache:
    return TokenCache(folder)


def the_file(folder: Path) -> Path:
    (file,) = folder.glob("*.json")
    return file


def start(function: Callable[..., None], *args: Any) -> BaseProcess:
    """Run a function in a process of its own. A fork, since it needs no further import."""
    process = multiprocessing.get_context("fork").Process(target=function, args=args, daemon=True)
    process.start()
    return process


def finish(*processes: BaseProcess) -> list[int | None]:
    """Return the exit codes; None for a child that hung."""
    for process in processes:
        process.join(BOUND)
    codes = [process.exitcode for process in processes]
    for process in processes:
        process.kill()
        process.join()
    return codes


# Forking out of a process with threads is safe here: the children use nothing that a thread could hold a lock of.
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


# --- keeping ---------------------------------------------------------------------------------------------------------


def test_a_token_serves_its_server_and_user_until_shortly_before_it_expires(cache: TokenCache) -> None:
    cache.store(ADA, TOKEN)
    assert cache.load(ADA, NOW) == TOKEN
    assert cache.load(BOB, NOW) is None
    assert cache.load(LoginKey("https://other.example", "ada", "s3cret"), NOW) is None
    assert cache.load(ADA, TOKEN.expires - timedelta(minutes=5, seconds=1)) == TOKEN
    assert cache.load(ADA, TOKEN.expires - timedelta(minutes=5)) is None


@pytest.mark.parametrize("secret", ["", "S3cret", "s3cret ", "s3cre\u0442", "\ud800"])
def test_a_token_belongs_to_the_login_that_made_it_its_secret_included(cache: TokenCache, secret: str) -> None:
    cache.store(ADA, TOKEN)
    other = LoginKey(URL, "ada", secret)
    assert cache.load(other, NOW) is None
    cache.forget(other, TOKEN.value)
    assert cache.load(ADA, NOW) == TOKEN
    cache.store(other, OTHER)
    assert (cache.load(other, NOW), cache.load(ADA, NOW)) == (OTHER, None)
    assert "s3cret" not in repr(ADA)


def test_a_proof_costs_its_rounds_and_stays_the_same_in_later_releases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_cache, "_ROUNDS", ROUNDS)
    assert ROUNDS == 20_000
    assert _proof("s3cret", "salt") == "35e182fe6f9b5acb2043ebae8fed0f1c6b4120b0683a81616239a10746a921d0"


def test_without_a_folder_for_caches_nothing_is_kept() -> None:
    cache = TokenCache(cache_folder({}, None))
    with cache.login_lock(ADA):
        cache.store(ADA, TOKEN)
    assert cache.load(ADA, NOW) is None
    assert cache_folder({"XDG_CACHE_HOME": "/var/tmp/c"}, None) == Path("/var/tmp/c/jetstream/tokens")


def test_files_and_folders_are_for_the_user_alone_with_any_umask(folder: Path, cache: TokenCache) -> None:
    before = os.umask(0)
    try:
        cache.store(ADA, TOKEN)
        with cache.login_lock(ADA):
            pass
    finally:
        os.umask(before)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (folder.parent, folder, *folder.iterdir())}
    assert set(modes.values()) == {0o600, 0o700}
    assert {path for path, mode in modes.items() if mode == 0o700} == {folder.parent, folder}


def test_the_file_has_the_login_and_the_end_of_its_token(folder: Path, cache: TokenCache) -> None:
    cache.store(LoginKey(URL, "ada/../../etc", "s3cret"), TOKEN)
    assert json.loads(the_file(folder).read_text()) == {
        "server": URL,
        "user": "ada/../../etc",
        "salt": ANY,
        "proof": ANY,
        "token": TOKEN.value,
        "expires": "2026-11-24T18:57:00+00:00",
    }
    assert "s3cret" not in the_file(folder).read_text()


def test_a_token_is_not_in_its_representation() -> None:
    assert TOKEN.value not in f"{TOKEN} {TOKEN!r}"


def test_the_folder_follows_the_base_directory_specification() -> None:
    home = Path("/home/ada")
    default = home / ".cache/jetstream/tokens"
    assert cache_folder({}, home) == default
    assert cache_folder({"XDG_CACHE_HOME": "/var/tmp/c"}, home) == Path("/var/tmp/c/jetstream/tokens")
    assert cache_folder({"XDG_CACHE_HOME": "relative"}, home) == default


@pytest.mark.parametrize("word", ["no", "False", " off ", "0"])
def test_where_tokens_are_not_to_be_kept_there_is_no_folder(word: str) -> None:
    environ = {"JETSTREAM_CACHE_TOKENS": word, "XDG_CACHE_HOME": "/var/tmp/c"}
    assert cache_folder(environ, Path("/home/johndoe")) is None


def test_a_mistyped_no_keeps_no_token_by_accident() -> None:
    with pytest.raises(ConfigurationError, match='JETSTREAM_CACHE_TOKENS must be yes or no, not "nein"'):
        cache_folder({"JETSTREAM_CACHE_TOKENS": "nein"}, Path("/home/johndoe"))


def test_forgetting_leaves_a_newer_token_alone(folder: Path, cache: TokenCache) -> None:
    cache.store(ADA, OTHER)
    cache.forget(ADA, TOKEN.value)
    assert cache.load(ADA, NOW) == OTHER
    cache.forget(ADA, OTHER.value)
    assert cache.load(ADA, NOW) is None
    assert list(folder.iterdir()) == []


def test_forgetting_leaves_a_token_alone_that_arrives_in_between(
    folder: Path, cache: TokenCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.store(ADA, TOKEN)
    rename = os.rename

    def rename_after_a_login_elsewhere(*args: Any, **kwargs: Any) -> None:
        monkeypatch.undo()
        cache.store(ADA, OTHER)
        rename(*args, **kwargs)

    monkeypatch.setattr(os, "rename", rename_after_a_login_elsewhere)
    cache.forget(ADA, TOKEN.value)
    assert cache.load(ADA, NOW) == OTHER
    assert list(folder.iterdir()) == [the_file(folder)]


# --- distrust --------------------------------------------------------------------------------------------------------


@given(
    st.one_of(
        st.binary(max_size=200),
        st.recursive(st.none() | st.text() | st.integers(), lambda c: st.lists(c) | st.dictionaries(st.text(), c)).map(
            lambda value: json.dumps(value).encode()
        ),
        st.fixed_dictionaries(
            {
                "server": st.just(URL),
                "user": st.just("ada"),
                "salt": st.just("x"),
                # Not before the test: what a proof costs here, it costs from then on.
                "proof": st.builds(lambda: _proof("s3cret", "x")),
            },
            optional={
                "token": st.sampled_from(["", None, 7, "t"]),
                "expires": st.sampled_from(
                    [
                        None,
                        7,
                        "",
                        "soon",
                        "2026-12-01T00:00:00",
                        "0001-01-01T00:00:00+14:00",
                        "9999-12-31T23:59:59-14:00",
                    ]
                ),
            },
        ).map(lambda value: json.dumps(value).encode()),
        st.just(b"[" * 50_000),
        st.just(
            json.dumps({"server": URL, "user": "ada", "token": "t", "expires": TOKEN.expires.isoformat()}).encode()[:-2]
        ),
    )
)
@example(b'{"server": "%s", "user": "ada", "token": "t", "expires": "2026-12-01T00:00:00"}' % URL.encode())
@example(b'{"server": "%s", "user": "ada", "token": "t", "expires": "9999-12-31T23:59:59-14:00"}' % URL.encode())
def test_a_damaged_file_is_no_token_and_no_error(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.mktemp("cache") / "tokens"
    cache = TokenCache(folder)
    cache.store(ADA, TOKEN)
    the_file(folder).write_bytes(content)
    assert cache.load(ADA, NOW) is None
    cache.forget(ADA, TOKEN.value)
    cache.store(ADA, OTHER)
    assert cache.load(ADA, NOW) == OTHER


def test_another_users_token_under_this_name_is_not_used(folder: Path, cache: TokenCache) -> None:
    cache.store(ADA, TOKEN)
    mine = the_file(folder)
    content = json.loads(mine.read_text())
    mine.write_text(json.dumps({**content, "user": "bob"}))
    assert cache.load(ADA, NOW) is None


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_file_that_others_can_open_is_not_trusted(folder: Path, cache: TokenCache, mode: int) -> None:
    cache.store(ADA, TOKEN)
    the_file(folder).chmod(mode)
    assert cache.load(ADA, NOW) is None


@pytest.mark.parametrize("mode", [0o750, 0o701])
def test_a_folder_that_others_can_open_is_not_trusted_until_it_is_closed(
    folder: Path, cache: TokenCache, mode: int
) -> None:
    cache.store(ADA, TOKEN)
    folder.chmod(mode)
    assert cache.load(ADA, NOW) is None
    cache.store(ADA, OTHER)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert cache.load(ADA, NOW) == OTHER


def test_a_cache_of_another_user_is_neither_read_nor_written(
    folder: Path, cache: TokenCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.store(ADA, TOKEN)
    me = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: me + 1)
    assert cache.load(ADA, NOW) is None
    cache.store(ADA, OTHER)
    cache.forget(ADA, TOKEN.value)
    monkeypatch.undo()
    assert cache.load(ADA, NOW) == TOKEN


def test_root_makes_no_folder_in_the_home_of_a_user(
    folder: Path, cache: TokenCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As under a sudo that keeps HOME: the user could not write into it later."""
    real = os.stat
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    def stat_of_a_users_home(path: Any, **kwargs: Any) -> os.stat_result:
        fields = list(real(path, **kwargs))
        fields[stat.ST_UID] = 1000
        return os.stat_result(fields)

    monkeypatch.setattr(os, "stat", stat_of_a_users_home)
    cache.store(ADA, TOKEN)
    monkeypatch.undo()
    assert not folder.parent.exists()


def test_a_link_in_the_place_of_the_file_is_not_followed(tmp_path: Path, folder: Path, cache: TokenCache) -> None:
    cache.store(ADA, TOKEN)
    place, elsewhere = the_file(folder), tmp_path / "elsewhere"
    place.rename(elsewhere)
    place.symlink_to(elsewhere)
    assert cache.load(ADA, NOW) is None
    cache.store(ADA, OTHER)
    assert json.loads(elsewhere.read_text())["token"] == TOKEN.value
    assert cache.load(ADA, NOW) == OTHER


def test_a_link_in_the_place_of_the_folder_is_not_followed(tmp_path: Path, folder: Path, cache: TokenCache) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    folder.parent.mkdir()
    folder.symlink_to(elsewhere)
    cache.store(ADA, TOKEN)
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_a_pipe_or_a_folder_in_the_place_of_the_file_blocks_nothing(
    folder: Path, cache: TokenCache, make: Callable[[Path, int], None]
) -> None:
    cache.store(ADA, TOKEN)
    place = the_file(folder)
    place.unlink()
    make(place, 0o600)
    assert cache.load(ADA, NOW) is None
    cache.forget(ADA, TOKEN.value)
    cache.store(ADA, OTHER)


# --- never failing a task --------------------------------------------------------------------------------------------


def no_folder_above(tmp_path: Path) -> Path:
    (tmp_path / "file").touch()
    return tmp_path / "file" / "jetstream" / "tokens"


def nothing_may_be_made(tmp_path: Path) -> Path:
    return Path("/proc/jetstream/tokens")


def file_in_its_place(tmp_path: Path) -> Path:
    (tmp_path / "tokens").touch()
    return tmp_path / "tokens"


@pytest.mark.parametrize("place", [no_folder_above, nothing_may_be_made, file_in_its_place])
def test_without_a_folder_everything_works_without_a_cache(tmp_path: Path, place: Callable[[Path], Path]) -> None:
    cache = TokenCache(place(tmp_path))
    with cache.login_lock(ADA):
        cache.store(ADA, TOKEN)
    cache.forget(ADA, TOKEN.value)
    assert cache.load(ADA, NOW) is None


def store_on_a_full_disk(folder: Path) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (40, 40))
    TokenCache(folder).store(ADA, OTHER)


def test_a_full_disk_leaves_the_old_token_and_nothing_else(folder: Path, cache: TokenCache) -> None:
    cache.store(ADA, TOKEN)
    assert finish(start(store_on_a_full_disk, folder)) == [0]
    assert cache.load(ADA, NOW) == TOKEN
    assert list(folder.iterdir()) == [the_file(folder)]


def store_and_crash(folder: Path, step: str) -> None:
    real = getattr(os, step)

    def crash(*args: Any, **kwargs: Any) -> Any:
        if step == "open" and "dir_fd" not in kwargs:
            return real(*args, **kwargs)
        return os._exit(9)

    setattr(os, step, crash)
    TokenCache(folder).store(ADA, OTHER)


@pytest.mark.parametrize("step", ["open", "fsync", "rename"])
def test_a_crash_in_the_middle_of_a_write_leaves_the_old_token(folder: Path, cache: TokenCache, step: str) -> None:
    cache.store(ADA, TOKEN)
    assert finish(start(store_and_crash, folder, step)) == [9]
    assert cache.load(ADA, NOW) == TOKEN
    left_behind = [path for path in folder.iterdir() if path.suffix == ".new"]
    assert len(left_behind) == (0 if step == "open" else 1)
    cache.store(ADA, OTHER)
    # It may be that of a process that is still writing.
    assert all(path.exists() for path in left_behind)
    for path in left_behind:
        os.utime(path, (0, 0))
    cache.store(ADA, OTHER)
    assert list(folder.iterdir()) == [the_file(folder)]


# --- many at once ----------------------------------------------------------------------------------------------------


def log_in_unless_somebody_did(folder: Path, logins: Path, ready: Any) -> None:
    cache = TokenCache(folder)
    ready.wait(BOUND)
    if cache.load(ADA, NOW):
        return
    with cache.login_lock(ADA):
        if cache.load(ADA, NOW):
            return
        with logins.open("a") as stream:
            stream.write("login\n")
        cache.store(ADA, TOKEN)


def test_forty_tasks_at_once_make_one_login(tmp_path: Path, folder: Path) -> None:
    logins = tmp_path / "logins"
    ready = multiprocessing.get_context("fork").Event()
    processes = [start(log_in_unless_somebody_did, folder, logins, ready) for each in range(40)]
    ready.set()
    assert finish(*processes) == [0] * 40
    assert logins.read_text() == "login\n"


def write_again_and_again(folder: Path, token: Token) -> None:
    cache = TokenCache(folder)
    for _each in range(100):
        cache.store(ADA, token)


def test_a_reader_sees_one_whole_token_or_the_other(folder: Path, cache: TokenCache) -> None:
    cache.store(ADA, TOKEN)
    writers = [start(write_again_and_again, folder, token) for token in (TOKEN, OTHER)]
    seen = set()
    while any(writer.is_alive() for writer in writers):
        seen.add(cache.load(ADA, NOW))
    assert finish(*writers) == [0, 0]
    assert seen <= {TOKEN, OTHER}


def test_a_lock_that_is_never_released_delays_a_login_only_for_a_while(folder: Path, cache: TokenCache) -> None:
    clock = ManualClock()
    patient = TokenCache(folder, clock=clock)
    with cache.login_lock(ADA):
        with patient.login_lock(BOB):
            assert clock.seconds == 0
        with patient.login_lock(ADA, 5.0):
            assert 4 < clock.seconds <= 5
        with patient.login_lock(ADA, math.inf):
            assert 34 < clock.seconds <= 35


def test_a_login_that_fails_gives_the_lock_back(folder: Path) -> None:
    clock = ManualClock()
    cache = TokenCache(folder, clock=clock)
    with pytest.raises(RuntimeError), cache.login_lock(ADA):
        raise RuntimeError
    with cache.login_lock(ADA):
        assert clock.seconds == 0


def hold_until_killed(folder: Path, held: Any) -> None:
    with TokenCache(folder).login_lock(ADA):
        held.set()
        signal.pause()


def test_the_lock_of_a_process_that_died_is_free(folder: Path) -> None:
    held = multiprocessing.get_context("fork").Event()
    holder = start(hold_until_killed, folder, held)
    assert held.wait(BOUND)
    clock = ManualClock()
    cache = TokenCache(folder, clock=clock)
    with cache.login_lock(ADA):
        assert clock.seconds > 0
    holder.kill()
    holder.join(BOUND)
    before = clock.seconds
    with cache.login_lock(ADA):
        assert clock.seconds == before


def sleep_until_killed() -> None:
    signal.pause()


def test_a_process_that_was_started_while_the_lock_was_held_does_not_keep_it(folder: Path) -> None:
    clock = ManualClock()
    cache = TokenCache(folder, clock=clock)
    with cache.login_lock(ADA):
        heir = start(sleep_until_killed)
    with cache.login_lock(ADA):
        assert clock.seconds == 0
    heir.kill()
    heir.join(BOUND)


def test_no_file_stays_open(folder: Path, cache: TokenCache) -> None:
    before = len(list(Path("/dev/fd").iterdir()))
    for _each in range(5):
        with cache.login_lock(ADA):
            cache.store(ADA, TOKEN)
        assert cache.load(ADA, NOW) == TOKEN
        the_file(folder).chmod(0o640)
        assert cache.load(ADA, NOW) is None
        cache.forget(ADA, TOKEN.value)
    assert len(list(Path("/dev/fd").iterdir())) == before
