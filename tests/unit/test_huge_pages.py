"""Huge pages: which memory asks for them, and how a server keeps off those that nobody asked for."""

import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from zippy._core.ground.pages import ask_for_huge_pages
from zippy._core.testing import mem_shim
from zippy._core.testing.mem_shim import Blocks, leave_in_steps, release
from zippy.server import process
from zippy.settings import Settings, Value, find_setting

MIB = 1 << 20
MINUTE = 60_000_000  # microseconds: no page takes that
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="only Linux is asked for huge pages")
mappings_only = pytest.mark.skipif(mem_shim.SANITIZED, reason="every block is malloc's own in a sanitizer build")


def flags_at(address: int) -> set[str]:
    """What the system notes of the pages there: hg is asked for huge ones, nh for none."""
    there = False
    with open("/proc/self/smaps", encoding="ascii") as lines:
        for line in lines:
            if found := re.match(r"([0-9a-f]+)-([0-9a-f]+) ", line):
                there = int(found[1], 16) <= address < int(found[2], 16)
            elif there and line.startswith("VmFlags:"):
                return set(line.split()[1:])
    raise LookupError(f"nothing is mapped at {address:x}")


@linux_only
@mappings_only
class TestWhoAsks:
    @pytest.fixture(autouse=True)
    def plenty(self) -> Iterator[None]:
        """Memory is plenty, and nothing is left from others."""
        mem_shim.suppose(1, MINUTE)
        release()
        yield
        ask_for_huge_pages(True)
        mem_shim.suppose()
        release()

    @pytest.fixture
    def blocks(self) -> Iterator[Blocks]:
        blocks = Blocks(20_000)
        yield blocks
        for i in range(20_000):
            blocks.free(i)

    def fill(self, blocks: Blocks) -> int:
        """Many short ones; the address of the last."""
        for i in range(20_000):
            blocks.alloc(i, 4096)
        return blocks.address(19_999)

    def test_no_large_block(self, blocks: Blocks) -> None:
        """It is read from its beginning to its end, and may be had and freed by each command."""
        self.fill(blocks)
        blocks.free(0)
        blocks.alloc(0, 50 * MIB)
        assert not flags_at(blocks.address(0)) & {"hg", "nh"}

    def test_nobody_if_none_are_wanted(self, blocks: Blocks) -> None:
        ask_for_huge_pages(False)
        assert not flags_at(self.fill(blocks)) & {"hg", "nh"}

    def test_nobody_where_memory_is_short(self, blocks: Blocks) -> None:
        mem_shim.suppose(0, MINUTE)
        assert not flags_at(self.fill(blocks)) & {"hg", "nh"}

    def test_nobody_for_an_hour_after_a_slow_one(self, blocks: Blocks) -> None:
        mem_shim.suppose(1, 0)
        assert not flags_at(self.fill(blocks)) & {"hg", "nh"}
        seen = [flags_at(blocks.address(i)) & {"hg", "nh"} for i in range(0, 20_000, 100)]
        # that one, and the others of its chunk
        assert {"nh"} in seen
        assert seen.count({"nh"}) <= (4 * MIB) // 4096 // 100 + 1
        assert {"hg"} not in seen

    def test_slabs_once_there_are_many(self, blocks: Blocks) -> None:
        """What is given back of them is not filled up again."""
        last = self.fill(blocks)
        assert not flags_at(blocks.address(0)) & {"hg", "nh"}
        assert "hg" in flags_at(last)
        for i in range(15_000, 20_000):
            # one block of each slab and a half stays
            if i % 24:
                blocks.free(i)
        assert "hg" in flags_at(last)
        release()
        asked = [flags_at(blocks.address(i)) for i in range(15_000 - 15_000 % 24 + 24, 20_000, 24)]
        assert any("nh" in flags for flags in asked)
        assert not any({"hg", "nh"} <= flags for flags in asked)

    def test_a_chunk_that_is_used_again(self, blocks: Blocks) -> None:
        leave_in_steps(True)
        for again in range(3):
            mem_shim.suppose(again % 2 == 0, MINUTE)
            assert ("hg" in flags_at(self.fill(blocks))) == (again % 2 == 0)
            for i in range(20_000):
                blocks.free(i)
            while mem_shim.give_back(1000):
                pass
        leave_in_steps(False)


def settings_with(name: str, value: Value) -> Settings:
    """The defaults, but for one."""
    settings = Settings()
    setting = find_setting(name)
    assert setting is not None
    settings.put(setting, value)
    return settings


class TestWhatTheSystemGives:
    @pytest.fixture
    def shunned(self, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
        calls: list[bool] = []

        def shun() -> bool:
            calls.append(True)
            return True

        monkeypatch.setattr(process, "shun_huge_pages", shun)
        return calls

    @pytest.mark.parametrize(
        ("chosen", "disable", "shuns"),
        [
            ("[always] madvise never", True, True),
            ("[always] madvise never", False, False),
            ("always [madvise] never", True, False),
            ("always madvise [never]", True, False),
            (None, True, False),
        ],
    )
    def test_is_shunned_where_all_get_them(self, tmp_path, monkeypatch, shunned, chosen, disable, shuns) -> None:
        path = tmp_path / "enabled"
        if chosen is not None:
            path.write_text(chosen + "\n")
        monkeypatch.setattr(process, "HUGE_PAGES", str(path))
        process.follow_huge_pages(settings_with("disable-thp", disable))
        assert bool(shunned) == shuns

    def test_is_told_if_it_can_not_be(self, tmp_path, monkeypatch, caplog) -> None:
        path = tmp_path / "enabled"
        path.write_text("[always] madvise never\n")
        monkeypatch.setattr(process, "HUGE_PAGES", str(path))
        monkeypatch.setattr(process, "shun_huge_pages", lambda: False)
        process.follow_huge_pages(Settings())
        assert "disable-thp" in caplog.text

    @linux_only
    def test_the_system_obeys(self) -> None:
        """In a process of its own: it can't be told which pages were asked for before Linux 6.18."""
        get_thp_disable = 42
        code = (
            "import ctypes; from zippy._core.ground.pages import shun_huge_pages; prctl = ctypes.CDLL(None).prctl;"
            f"print(prctl({get_thp_disable}, 0, 0, 0, 0), shun_huge_pages(), prctl({get_thp_disable}, 0, 0, 0, 0))"
        )
        before, done, after = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout.split()
        assert (before, done) == ("0", "True")
        assert after in ("1", "3")


def test_the_setting_is_followed(monkeypatch) -> None:
    wanted: list[bool] = []
    monkeypatch.setattr(process, "ask_for_huge_pages", wanted.append)
    settings = settings_with("huge-pages", False)
    process.follow_huge_pages(settings)
    settings.set("huge-pages", "yes")
    assert wanted == [False, True]
