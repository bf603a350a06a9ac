"""The geo group."""

from __future__ import annotations

import pytest

from tests.commands.sorted_sets import content, double, run
from tests.listening import Listener
from tests.replies import (
    EMPTY,
    NIL,
    NIL3,
    NIL_ARRAY,
    NOT_A_FLOAT,
    NOT_AN_INTEGER,
    SYNTAX,
    WRONG_TYPE,
    array,
    bulk,
    encoding,
    error,
    integer,
    wrong_arguments,
)
from tests.resp import Connect, RawClient, Reply

PALERMO, CATANIA = "3479099956230698", "3479447370796909"
NO_UNIT = error("ERR unsupported unit provided. please use M, KM, FT, MI")
NO_MEMBER = error("ERR could not decode requested zset member")
NO_RADIUS = error("ERR need numeric radius")
NO_COUNT = error("ERR COUNT must be > 0")
ANY_ALONE = error("ERR the ANY argument requires COUNT argument")
FAR = "ERR invalid longitude,latitude pair "


def names(reply: Reply) -> str:
    """An array of bulk strings as words."""
    return " ".join(word.decode() for word in reply.plain())


@pytest.fixture(params=["listpack", "skiplist"])
def sicily(request: pytest.FixtureRequest, raw: RawClient) -> str:
    """Runs a test for each encoding, with two towns in "g", and a string "s"."""
    raw("CONFIG", "SET", "zset-max-listpack-entries", 128 if request.param == "listpack" else 0)
    run(raw, "GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania")
    run(raw, "SET s 1")
    assert encoding(raw, "g") == str(request.param).encode()
    return str(request.param)


@pytest.fixture
def hear(raw: RawClient, connect: Connect) -> Listener:
    """Events and changes of a command."""
    return Listener(raw, connect())


@pytest.mark.usefixtures("sicily")
class TestGeoadd:
    """GEOADD key [NX | XX] [CH] longitude latitude member [longitude latitude member ...]."""

    def test_makes_a_sorted_set(self, raw: RawClient) -> None:
        assert content(raw, "g") == f"Palermo {PALERMO} Catania {CATANIA}"
        assert raw("TYPE", "g") == Reply("+", b"zset")

    @pytest.mark.parametrize(
        ("arguments", "expected", "after"),
        [
            ("0 0 z", integer(1), f"z 3377699720527872 Palermo {PALERMO} Catania {CATANIA}"),
            ("13.361389 38.2 Palermo", integer(0), f"Palermo 3479101030759983 Catania {CATANIA}"),
            ("CH 13.361389 38.2 Palermo", integer(1), f"Palermo 3479101030759983 Catania {CATANIA}"),
            ("NX CH 13.361389 38.2 Palermo", integer(0), f"Palermo {PALERMO} Catania {CATANIA}"),
            ("xx 0 0 z", integer(0), f"Palermo {PALERMO} Catania {CATANIA}"),
            ("CH ch CH 0 0 z", integer(1), f"z 3377699720527872 Palermo {PALERMO} Catania {CATANIA}"),
            (
                "180 85.05112878 ne -180 -85.05112878 sw",
                integer(2),
                f"sw 0 Palermo {PALERMO} Catania {CATANIA} ne 13510798882111488",
            ),
        ],
    )
    def test_adds(self, raw: RawClient, arguments: str, expected: Reply, after: str) -> None:
        assert run(raw, f"GEOADD g {arguments}") == expected
        assert content(raw, "g") == after

    def test_adds_many(self, raw: RawClient) -> None:
        assert run(raw, "GEOADD m " + " ".join(f"{i / 10} {i / 20} {i}" for i in range(1000))) == integer(1000)
        assert run(raw, "GEOADD m NX CH XX") == SYNTAX
        assert run(raw, "GEODIST m 0 999 km") == bulk("10716.8275")

    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [
            ("1 1", wrong_arguments("geoadd")),
            ("NX 1 1", SYNTAX),
            ("1 1 a 1", SYNTAX),
            ("NX XX 1 1 a", SYNTAX),
            ("GT 1 1 a", SYNTAX),
            ("a 1 a", NOT_A_FLOAT),
            ("nan 1 a", NOT_A_FLOAT),
            ("1 1 a 1 foo b", NOT_A_FLOAT),
            ("181 1 a", error(FAR + "181.000000,1.000000")),
            ("1 1 a 1 -85.0512 b", error(FAR + "1.000000,-85.051200")),
            ("inf 1 a", error(FAR + "inf,1.000000")),
        ],
    )
    def test_refuses(self, raw: RawClient, arguments: str, expected: Reply) -> None:
        assert run(raw, f"GEOADD g {arguments}") == expected
        assert content(raw, "g") == f"Palermo {PALERMO} Catania {CATANIA}"

    def test_of_another_type(self, raw: RawClient) -> None:
        assert run(raw, "GEOADD s 1 1 a") == WRONG_TYPE
        assert run(raw, "GEOADD s 1 100 a") == error(FAR + "1.000000,100.000000")

    def test_tells(self, hear: Listener) -> None:
        assert hear("GEOADD", "g", 1, 1, "a", 2, 2, "b") == (["zadd g"], 2)
        assert hear("GEOADD", "g", 1, 1, "a") == ([], 0)
        assert hear("GEOADD", "g", "XX", 1, 1, "c") == ([], 0)


@pytest.mark.usefixtures("sicily")
class TestGeodist:
    """GEODIST key member1 member2 [M | KM | FT | MI]."""

    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [
            ("Palermo Catania", bulk("166274.1516")),
            ("Palermo Catania m", bulk("166274.1516")),
            ("Catania Palermo KM", bulk("166.2742")),
            ("Palermo Catania mi", bulk("103.3182")),
            ("Palermo Catania Ft", bulk("545518.8700")),
            ("Palermo Palermo", bulk("0.0000")),
            ("Palermo nowhere", NIL),
            ("nowhere Palermo", NIL),
            ("Palermo Catania cm", NO_UNIT),
            ("Palermo Catania cm x", SYNTAX),
            ("Palermo", wrong_arguments("geodist")),
        ],
    )
    def test_measures(self, raw: RawClient, arguments: str, expected: Reply) -> None:
        assert run(raw, f"GEODIST g {arguments}") == expected

    def test_without_points(self, raw: RawClient) -> None:
        assert run(raw, "GEODIST nothing a b") == NIL
        assert run(raw, "GEODIST nothing a b x") == NO_UNIT
        assert run(raw, "GEODIST s a b") == WRONG_TYPE
        assert run(raw, "GEODIST s a b x") == NO_UNIT
        raw("HELLO", 3)
        assert run(raw, "GEODIST nothing a b") == NIL3
        assert run(raw, "GEODIST g Palermo Catania") == bulk("166274.1516")

    def test_of_any_scores(self, raw: RawClient) -> None:
        """A score that no point has is one nevertheless."""
        run(raw, "ZADD z -5 below 1e300 above inf endless 1.5 broken")
        assert run(raw, "GEODIST z below above") == bulk("18919844.5891")
        assert run(raw, "GEODIST z broken endless") == bulk("0.2819")


@pytest.mark.usefixtures("sicily")
class TestGeohash:
    """GEOHASH key [member [member ...]]."""

    def test_tells(self, raw: RawClient) -> None:
        run(raw, "GEOADD g 180 85.05112878 ne -180 -85.05112878 sw 0 0 z")
        expected = [bulk(text) for text in ("sqc8b49rny0", "sqdtr74hyu0", "bp05b5048p0", "00bh0hbj200", "s0000000000")]
        assert run(raw, "GEOHASH g Palermo Catania ne sw z nowhere") == array(*expected, NIL)

    def test_of_nothing(self, raw: RawClient) -> None:
        assert run(raw, "GEOHASH g") == EMPTY
        assert run(raw, "GEOHASH nothing a b") == array(NIL, NIL)
        assert run(raw, "GEOHASH s a") == WRONG_TYPE
        raw("HELLO", 3)
        assert run(raw, "GEOHASH nothing a") == array(NIL3)


@pytest.mark.usefixtures("sicily")
class TestGeopos:
    """GEOPOS key [member [member ...]]."""

    def test_tells(self, raw: RawClient) -> None:
        run(raw, "GEOADD g 180 85.05112878 ne -180 -85.05112878 sw 0 0 z")
        expected = [
            ("13.36138933897018433", "38.11555639549629859"),
            ("180", "85.05112878"),
            ("-179.99999731779099", "-85.05112751263943"),
            ("2.682209014892578e-6", "1.2673605809254695e-6"),
        ]
        reply = run(raw, "GEOPOS g Palermo ne sw z nowhere")
        assert [pair.plain() for pair in reply.value[1:4]] == [[a.encode(), b.encode()] for a, b in expected[1:]]
        assert [float(text) for text in reply.value[0].plain()] == [float(text) for text in expected[0]]
        assert reply.value[4] == NIL_ARRAY
        raw("HELLO", 3)
        assert run(raw, "GEOPOS g ne nowhere") == array(array(double("180"), double("85.05112878")), NIL3)

    def test_of_nothing(self, raw: RawClient) -> None:
        assert run(raw, "GEOPOS g") == EMPTY
        assert run(raw, "GEOPOS nothing a b") == array(NIL_ARRAY, NIL_ARRAY)
        assert run(raw, "GEOPOS s a") == WRONG_TYPE


@pytest.fixture
def grid(raw: RawClient, sicily: str) -> None:
    """In "e" a member at every tenth degree of the equator, named after its longitude; the integers are those east of Greenwich."""
    run(raw, "GEOADD e " + " ".join(f"{i} 0 {i if i > 0 else f'w{-i}'}" for i in range(-180, 180, 10)))


@pytest.mark.usefixtures("grid")
class TestGeosearch:
    """GEOSEARCH key FROMMEMBER | FROMLONLAT BYRADIUS | BYBOX [ASC | DESC] [COUNT count [ANY]] [WITHCOORD] [WITHDIST] [WITHHASH]."""

    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [
            ("FROMLONLAT 15 37 BYRADIUS 200 km", "Palermo Catania"),
            ("FROMLONLAT 15 37 BYRADIUS 200 KM ASC", "Catania Palermo"),
            ("FROMLONLAT 15 37 BYRADIUS 200 km DESC", "Palermo Catania"),
            ("byradius 200 km DESC ASC fromlonlat 15 37", "Catania Palermo"),
            ("FROMLONLAT 15 37 BYRADIUS 100 km", "Catania"),
            ("FROMLONLAT 15 37 BYRADIUS 62 mi", "Catania"),
            ("FROMLONLAT 15 37 BYRADIUS 0 m", ""),
            ("FROMMEMBER Palermo BYRADIUS 0 m", "Palermo"),
            ("FROMMEMBER Palermo BYRADIUS 166274 m", "Palermo"),
            ("FROMMEMBER Palermo BYRADIUS 166275 m", "Palermo Catania"),
            ("FROMLONLAT 15 37 BYBOX 400 400 km", "Palermo Catania"),
            ("FROMLONLAT 15 37 BYBOX 20 400 km", "Catania"),
            ("FROMLONLAT 15 37 BYBOX 400 20 km", ""),
            ("FROMLONLAT 15 37 BYBOX inf inf ft", "Palermo Catania"),
            ("FROMLONLAT 15 37 BYRADIUS 200 km COUNT 1", "Catania"),
            ("FROMLONLAT 15 37 BYRADIUS 200 km COUNT 9", "Catania Palermo"),
            ("FROMLONLAT 15 37 BYRADIUS 200 km COUNT 1 DESC", "Palermo"),
            ("FROMLONLAT 15 37 BYRADIUS 200 km COUNT 1 ANY", "Palermo"),
            ("FROMLONLAT 15 37 BYRADIUS 200 km COUNT 1 ANY COUNT 2", "Palermo Catania"),
            ("FROMLONLAT 1 1 FROMLONLAT 15 37 BYRADIUS 1 m BYRADIUS 200 km", "Palermo Catania"),
        ],
    )
    def test_finds(self, raw: RawClient, arguments: str, expected: str) -> None:
        assert names(run(raw, f"GEOSEARCH g {arguments}")) == expected

    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [
            ("FROMLONLAT 180 0 BYRADIUS 2300 km ASC", "170 160"),
            ("FROMLONLAT -180 0 BYRADIUS 2300 km ASC", "w180 170 w170 160 w160"),
            ("FROMLONLAT 179 0 BYBOX 4000 1 km", "w180 w170 170"),
            ("FROMMEMBER w0 BYRADIUS 3000 km", "20 10 w0 w20 w10"),
            ("FROMMEMBER w0 BYRADIUS 3000 km COUNT 2 DESC", "20 w20"),
            ("FROMLONLAT 1 0 BYRADIUS 30000 km COUNT 4", "w0 10 w10 20"),
        ],
    )
    def test_finds_across_the_date_line(self, raw: RawClient, arguments: str, expected: str) -> None:
        """But not from the map's eastern edge, whose cells have numbers of their own."""
        assert sorted(names(run(raw, f"GEOSEARCH e {arguments}")).split()) == sorted(expected.split())

    def test_finds_many(self, raw: RawClient) -> None:
        """More than a reply has room for at first, in Redis's order of cells."""
        assert len(run(raw, "GEOSEARCH e FROMLONLAT 1 0 BYRADIUS 30000 km").value) == 36
        run(raw, "GEOADD m " + " ".join(f"{i / 1000} {j / 1000} {i}:{j}" for i in range(40) for j in range(40)))
        within = [f"{i}:{j}" for i in range(40) for j in range(40) if (i - 20) ** 2 + (j - 20) ** 2 < 100]
        found = names(run(raw, "GEOSEARCH m FROMMEMBER 20:20 BYRADIUS 1108 m ASC")).split()
        assert sorted(found) == sorted(within)
        assert found[0] == "20:20" and set(found[1:5]) == {"20:19", "20:21", "19:20", "21:20"}
        assert names(run(raw, "GEOSEARCH m FROMMEMBER 20:20 BYRADIUS 1108 m COUNT 40")).split() == found[:40]
        assert names(run(raw, "GEOSEARCH m FROMMEMBER 20:20 BYRADIUS 1108 m DESC COUNT 9")).split()[0] not in found[:40]

    def test_tells_more(self, raw: RawClient) -> None:
        search = "GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km ASC COUNT 1"
        where = array(bulk("15.087267458438873"), bulk("37.50266842333162"))
        assert run(raw, f"{search} WITHDIST") == array(array(bulk("Catania"), bulk("56.4413")))
        assert run(raw, f"{search} WITHCOORD") == array(array(bulk("Catania"), where))
        all_of_it = array(array(bulk("Catania"), bulk("56.4413"), integer(int(CATANIA)), where))
        assert run(raw, f"{search} WITHCOORD WITHDIST WITHHASH") == all_of_it
        raw("HELLO", 3)
        where = array(double("15.087267458438873"), double("37.50266842333162"))
        all_of_it = array(array(bulk("Catania"), bulk("56.4413"), integer(int(CATANIA)), where))
        assert run(raw, f"{search} WITHHASH WITHDIST WITHCOORD") == all_of_it

    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [
            ("FROMLONLAT 1 1 ASC", wrong_arguments("geosearch")),
            ("FROMLONLAT 1 1 ASC COUNT 1", error("ERR exactly one of BYRADIUS and BYBOX can be specified for GEOSEARCH")),
            ("BYRADIUS 1 m ASC ASC", error("ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for GEOSEARCH")),
            ("FROMLONLAT 1 1 FROMMEMBER Palermo BYRADIUS 1 m", SYNTAX),
            ("FROMMEMBER Palermo FROMLONLAT 1 1 BYRADIUS 1 m", SYNTAX),
            ("FROMLONLAT 1 1 BYRADIUS 1 m BYBOX 1 1 m", SYNTAX),
            ("FROMLONLAT 1 1 BYBOX 1 1 m BYRADIUS 1 m", SYNTAX),
            ("FROMLONLAT 1 1 ASC BYRADIUS 1", SYNTAX),
            ("FROMLONLAT 1 1 ASC BYBOX 1 1", SYNTAX),
            ("FROMLONLAT 1 1 BYRADIUS 1 m STORE x", SYNTAX),
            ("FROMLONLAT 1 1 BYRADIUS 1 m STOREDIST", SYNTAX),
            ("FROMLONLAT 1 1 BYRADIUS 1 m COUNT", SYNTAX),
            ("FROMLONLAT 1 1 BYRADIUS 1 m COUNT x", NOT_AN_INTEGER),
            ("FROMLONLAT 1 1 BYRADIUS 1 m COUNT 0", NO_COUNT),
            ("FROMLONLAT 1 1 BYRADIUS 1 m COUNT -1", NO_COUNT),
            ("FROMLONLAT 1 1 BYRADIUS 1 m ANY", ANY_ALONE),
            ("FROMLONLAT x 1 BYRADIUS 1 m", NOT_A_FLOAT),
            ("FROMLONLAT 1 86 BYRADIUS 1 m", error(FAR + "1.000000,86.000000")),
            ("FROMLONLAT 1 1 BYRADIUS x m", NO_RADIUS),
            ("FROMLONLAT 1 1 BYRADIUS nan m", NO_RADIUS),
            ("FROMLONLAT 1 1 BYRADIUS -1 m", error("ERR radius cannot be negative")),
            ("FROMLONLAT 1 1 BYRADIUS 1 cm", NO_UNIT),
            ("FROMLONLAT 1 1 BYBOX x 1 m", error("ERR need numeric width")),
            ("FROMLONLAT 1 1 BYBOX 1 x m", error("ERR need numeric height")),
            ("FROMLONLAT 1 1 BYBOX 1 -1 m", error("ERR height or width cannot be negative")),
            ("FROMLONLAT 1 1 BYBOX 1 1 cm", NO_UNIT),
            ("FROMMEMBER nowhere BYRADIUS 1 m", NO_MEMBER),
        ],
    )
    def test_refuses(self, raw: RawClient, arguments: str, expected: Reply) -> None:
        assert run(raw, f"GEOSEARCH g {arguments}") == expected

    def test_of_nothing(self, raw: RawClient) -> None:
        assert run(raw, "GEOSEARCH nothing FROMMEMBER a BYRADIUS 1 m") == EMPTY
        assert run(raw, "GEOSEARCH nothing FROMMEMBER a BYRADIUS 1 cm") == NO_UNIT
        assert run(raw, "GEOSEARCH s FROMMEMBER a BYRADIUS 1 cm") == WRONG_TYPE


@pytest.mark.usefixtures("sicily")
class TestGeosearchstore:
    """GEOSEARCHSTORE destination source FROMMEMBER | FROMLONLAT BYRADIUS | BYBOX [ASC | DESC] [COUNT count [ANY]] [STOREDIST]."""

    def test_stores(self, raw: RawClient, sicily: str) -> None:
        assert run(raw, "GEOSEARCHSTORE d g FROMLONLAT 15 37 BYRADIUS 200 km") == integer(2)
        assert content(raw, "d") == f"Palermo {PALERMO} Catania {CATANIA}"
        assert encoding(raw, "d") == sicily.encode()
        assert run(raw, "GEOSEARCHSTORE d g FROMLONLAT 15 37 BYBOX 400 400 km STOREDIST STOREDIST") == integer(2)
        assert content(raw, "d") == "Catania 56.4412578701582 Palermo 190.44242984775784"
        assert run(raw, "GEOSEARCHSTORE g g FROMLONLAT 15 37 BYRADIUS 200 km COUNT 1") == integer(1)
        assert content(raw, "g") == f"Catania {CATANIA}"

    def test_stores_integers(self, raw: RawClient) -> None:
        run(raw, "GEOADD n 1 1 -7 1 1 12345678901234567")
        assert run(raw, "GEOSEARCHSTORE d n FROMLONLAT 1 1 BYRADIUS 1 km") == integer(2)
        assert content(raw, "d") == content(raw, "n")

    def test_stores_nothing(self, raw: RawClient) -> None:
        for search in ("g FROMLONLAT 1 1 BYRADIUS 1 km", "nothing FROMLONLAT 1 1 BYRADIUS 1 km"):
            run(raw, "SET d 1")
            assert run(raw, f"GEOSEARCHSTORE d {search}") == integer(0)
            assert raw("EXISTS", "d") == integer(0)

    @pytest.mark.parametrize("word", ["WITHDIST", "WITHHASH", "WITHCOORD"])
    def test_refuses(self, raw: RawClient, word: str) -> None:
        told = error("ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD options")
        assert run(raw, f"GEOSEARCHSTORE d g FROMLONLAT 1 1 BYRADIUS 1 km {word}") == told
        assert run(raw, f"GEOSEARCHSTORE d g {word} {word} {word} {word} {word}") == told
        assert run(raw, "GEOSEARCHSTORE d g FROMLONLAT 1 1 BYRADIUS 1 km STORE d") == SYNTAX
        assert run(raw, "GEOSEARCHSTORE d s FROMLONLAT 1 1 BYRADIUS 1 km") == WRONG_TYPE

    def test_tells(self, hear: Listener) -> None:
        search = ("FROMLONLAT", 15, 37, "BYRADIUS", 200, "km")
        assert hear("GEOSEARCHSTORE", "d", "g", *search) == (["new d", "geosearchstore d"], 2)
        assert hear("GEOSEARCHSTORE", "d", "nothing", *search) == (["keymiss nothing", "del d"], 1)
        assert hear("GEOSEARCHSTORE", "d", "nothing", *search) == (["keymiss nothing"], 0)


CIRCLES = [
    ("200 km", "Palermo Catania"),
    ("200 km ASC", "Catania Palermo"),
    ("200 KM DESC", "Palermo Catania"),
    ("100 km", "Catania"),
    ("200 km COUNT 1", "Catania"),
    ("200 km COUNT 1 ANY", "Palermo"),
    ("1 m", ""),
]
BAD_CIRCLES = [
    ("200 cm", NO_UNIT),
    ("x km", NO_RADIUS),
    ("-1 km", error("ERR radius cannot be negative")),
    ("200 km COUNT", SYNTAX),
    ("200 km COUNT 0", NO_COUNT),
    ("200 km ANY", ANY_ALONE),
    ("200 km BYBOX 1 1 m", SYNTAX),
    ("200 km FROMMEMBER Palermo", SYNTAX),
    ("200 km STORE", SYNTAX),
    ("200 km STOREDIST", SYNTAX),
]
STORE_WITH = error("ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD options")


@pytest.mark.usefixtures("sicily")
class TestGeoradius:
    """GEORADIUS key longitude latitude radius unit [WITH...] [COUNT count [ANY]] [ASC | DESC] [STORE key | STOREDIST key]."""

    @pytest.mark.parametrize(("arguments", "expected"), CIRCLES)
    def test_finds(self, raw: RawClient, arguments: str, expected: str) -> None:
        assert names(run(raw, f"GEORADIUS g 15 37 {arguments}")) == expected

    @pytest.mark.parametrize(("arguments", "expected"), BAD_CIRCLES)
    def test_refuses(self, raw: RawClient, arguments: str, expected: Reply) -> None:
        assert run(raw, f"GEORADIUS g 15 37 {arguments}") == expected
        assert run(raw, f"GEORADIUS nothing 15 37 {arguments}") == expected

    def test_stores(self, raw: RawClient) -> None:
        assert run(raw, "GEORADIUS g 15 37 200 km STORE d") == integer(2)
        assert content(raw, "d") == f"Palermo {PALERMO} Catania {CATANIA}"
        assert run(raw, "GEORADIUS g 15 37 200 km STORE d STOREDIST f COUNT 1") == integer(1)
        assert content(raw, "f") == "Catania 56.4412578701582"
        assert run(raw, "GEORADIUS g 15 37 200 km STOREDIST d STORE d COUNT 1") == integer(1)
        assert content(raw, "d") == f"Catania {CATANIA}"
        assert run(raw, "GEORADIUS g 15 37 200 km STORE d WITHDIST") == STORE_WITH
        assert run(raw, "GEORADIUS nothing 15 37 200 km STORE d") == integer(0)
        assert raw("EXISTS", "d") == integer(0)

    def test_tells(self, hear: Listener) -> None:
        assert hear("GEORADIUS", "g", 15, 37, 200, "km", "STORE", "d") == (["new d", "georadiusstore d"], 2)
        assert hear("GEORADIUS", "g", 1, 1, 1, "km", "STORE", "d") == (["del d"], 1)
        assert hear("GEORADIUS", "g", 15, 37, 200, "km") == ([], 0)

    def test_keys(self, raw: RawClient) -> None:
        """Those behind both words, as they stand."""
        for arguments, keys in [
            ("k 1 1 1 m", "k"),
            ("k 1 1 1 m STORE", "k"),
            ("k 1 1 1 m STORE d STOREDIST f", "k d f"),
            ("k 1 1 1 m store STORE x", "k STORE"),
        ]:
            assert names(run(raw, f"COMMAND GETKEYS GEORADIUS {arguments}")) == keys


@pytest.mark.usefixtures("sicily")
class TestGeoradiusRo:
    """GEORADIUS_RO key longitude latitude radius unit [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] [ASC | DESC]."""

    @pytest.mark.parametrize(("arguments", "expected"), CIRCLES)
    def test_finds(self, raw: RawClient, arguments: str, expected: str) -> None:
        assert names(run(raw, f"GEORADIUS_RO g 15 37 {arguments}")) == expected

    @pytest.mark.parametrize(("arguments", "expected"), [*BAD_CIRCLES, ("200 km STORE d", SYNTAX), ("200 km STOREDIST d", SYNTAX)])
    def test_refuses(self, raw: RawClient, arguments: str, expected: Reply) -> None:
        assert run(raw, f"GEORADIUS_RO g 15 37 {arguments}") == expected


@pytest.mark.usefixtures("sicily")
class TestGeoradiusbymember:
    """GEORADIUSBYMEMBER key member radius unit [WITH...] [COUNT count [ANY]] [ASC | DESC] [STORE key | STOREDIST key]."""

    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [("200 km", "Palermo Catania"), ("200 km DESC", "Palermo Catania"), ("200 km ASC", "Catania Palermo"), ("0 m", "Catania")],
    )
    def test_finds(self, raw: RawClient, arguments: str, expected: str) -> None:
        assert names(run(raw, f"GEORADIUSBYMEMBER g Catania {arguments}")) == expected

    @pytest.mark.parametrize(("arguments", "expected"), BAD_CIRCLES)
    def test_refuses(self, raw: RawClient, arguments: str, expected: Reply) -> None:
        assert run(raw, f"GEORADIUSBYMEMBER g Palermo {arguments}") == expected
        assert run(raw, "GEORADIUSBYMEMBER g nowhere x y") == NO_MEMBER

    def test_of_nothing(self, raw: RawClient) -> None:
        """Where there is no key the radius is not read."""
        assert run(raw, "GEORADIUSBYMEMBER nothing a x y") == EMPTY
        assert run(raw, "GEORADIUSBYMEMBER nothing a x y z") == SYNTAX
        assert run(raw, "GEORADIUSBYMEMBER s a x y") == WRONG_TYPE

    def test_stores(self, raw: RawClient) -> None:
        assert run(raw, "GEORADIUSBYMEMBER g Palermo 200 km STOREDIST d") == integer(2)
        assert content(raw, "d") == "Palermo 0 Catania 166.27415156960032"
        assert run(raw, "GEORADIUSBYMEMBER g Palermo 200 km STORE d WITHHASH") == STORE_WITH
        assert run(raw, "GEORADIUSBYMEMBER nothing a x y STORE d") == integer(0)
        assert raw("EXISTS", "d") == integer(0)

    def test_keys(self, raw: RawClient) -> None:
        assert names(run(raw, "COMMAND GETKEYS GEORADIUSBYMEMBER k STORE 1 m STOREDIST d")) == "k d"


@pytest.mark.usefixtures("sicily")
class TestGeoradiusbymemberRo:
    """GEORADIUSBYMEMBER_RO key member radius unit [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] [ASC | DESC]."""

    def test_finds(self, raw: RawClient) -> None:
        assert names(run(raw, "GEORADIUSBYMEMBER_RO g Catania 200 km ASC")) == "Catania Palermo"
        reply = run(raw, "GEORADIUSBYMEMBER_RO g Catania 200 km DESC WITHDIST COUNT 1")
        assert reply == array(array(bulk("Palermo"), bulk("166.2742")))

    @pytest.mark.parametrize(("arguments", "expected"), [*BAD_CIRCLES, ("200 km STORE d", SYNTAX), ("200 km STOREDIST d", SYNTAX)])
    def test_refuses(self, raw: RawClient, arguments: str, expected: Reply) -> None:
        assert run(raw, f"GEORADIUSBYMEMBER_RO g Palermo {arguments}") == expected
