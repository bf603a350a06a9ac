"""The projects: what they are called on PyPI, what their tests need, and why a test ends otherwise than with the project's own mock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Project:
    """A project's release whose source distribution has its tests. `replaces`: whose place zippy takes; `requires`: what is installed
    beside it; `removes`: folders of the sources that would hide what is installed; `differs`: part of a test's name and why that test ends
    otherwise with zippy than with a real Redis or the mock; `beyond`: the same where the run with a real Redis says nothing; `note`: what
    the tests want that a real Redis does not do either."""

    name: str
    version: str
    replaces: str
    requires: tuple[str, ...]
    removes: tuple[str, ...] = ()
    tests: tuple[str, ...] = ("tests",)
    options: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    differs: Mapping[str, str] = field(default_factory=dict)
    beyond: Mapping[str, str] = field(default_factory=dict)
    note: str = ""


PYTEST = ("pytest==9.2.0", "pytest-timeout==2.4.0")
ASYNCIO = "pytest-asyncio==1.5.0"
OTEL = "0.66b2"
FAKEREDIS = "fakeredis[lua]==2.41.0"

PROJECTS = (
    Project(
        "pydocket",
        "0.27.0",
        "burner-redis 0.1.7",
        (*PYTEST, ASYNCIO, "burner-redis==0.1.7", "docker", "pytest-xdist", "opentelemetry-sdk", "opentelemetry-distro",
         "opentelemetry-exporter-otlp", "opentelemetry-exporter-prometheus", "opentelemetry-instrumentation-logging",
         "opentelemetry-instrumentation-redis"),
        ("src", "tests/fundamentals/test_cron.py"),
        options=("-o", "asyncio_mode=auto", "--import-mode=importlib", "-n", "2", "--timeout=600"),
        environment={"REDIS_VERSION": "memory"},
        differs={
            "test_safeguard_wakes_waiter_when_holder_died": "it makes a slot that is good for 0.2 s, and on a busy machine the worker "
            "began later. By itself it passes.",
            "test_adding_is_idempotent": "it gives a task a moment soon to come, which a busy machine missed. By itself it passes.",
        },
    ),
    Project(
        "fastmcp",
        "4.1.4",
        "burner-redis 0.1.7",
        (*PYTEST, ASYNCIO, "burner-redis==0.1.7", "fastmcp[tasks]==4.1.4", "pytest-env", "pytest-xdist", "pytest-retry", "dirty-equals",
         "inline-snapshot[dirty-equals]", "opentelemetry-sdk", "fastapi", "httpx", "hypothesis", "psutil"),
        ("fastmcp_slim", "fastmcp_remote", "fastmcp_tasks", "src"),
        tests=("tests/tasks", "tests/cli/test_tasks.py"),
        options=("-o", "asyncio_mode=auto"),
        environment={"FASTMCP_TEST_MODE": "1"},
        note="Their task waits for ever, and a worker that is told to stop waits for the tasks that it has begun. burner-redis gives it "
        "the task so late that the test is over.",
    ),
    Project(
        "burner-redis",
        "0.1.7",
        "itself",
        (*PYTEST, ASYNCIO, "redis==8.1.0", "pydocket==0.27.0"),
        ("python", "src"),
        options=("-o", "asyncio_mode=auto"),
        differs={
            "test_restore_corrupt_file": "a damaged file is an error that names it, where burner-redis begins with nothing.",
            "test_script_cache_persistence": "scripts are not kept in files, as in Redis; here the real one was not restarted.",
            "test_pipeline_with_blocking_command": "a pipeline is a transaction, in which nothing blocks, as in Redis.",
        },
        beyond={
            "test_persistence": "they name a file that burner-redis keeps. zippy keeps a folder, and the real Redis had no file to offer.",
        },
        note="For instance they want SISMEMBER to be True or False, None from an XREAD that finds nothing, a subscriber that hears of no "
        "subscription, and burner-redis's own attributes and texts.",
    ),
    Project(
        "celery-redbeat",
        "2.3.3",
        "fakeredis 2.26.2",
        (*PYTEST, "fakeredis==2.26.2", "redis==5.2.1", "pytz"),
        ("redbeat",),
    ),
    Project(
        "throttled-py",
        "3.5.0",
        "fakeredis 2.41.0",
        (*PYTEST, ASYNCIO, FAKEREDIS, "flask[async]", "fastapi", "httpx", "opentelemetry-sdk"),
        ("throttled", "src"),
    ),
    Project(
        "opentelemetry-instrumentation-redis",
        OTEL,
        "fakeredis 2.41.0",
        (*PYTEST, f"opentelemetry-test-utils=={OTEL}", FAKEREDIS, "redis==8.1.0"),
        ("src",),
    ),
    Project(
        "sentry-sdk",
        "2.75.0",
        "fakeredis 2.41.0",
        (*PYTEST, ASYNCIO, FAKEREDIS, "redis==5.3.1", "rq==3.0.0", "pytest-localserver", "pytest-forked", "jsonschema", "responses",
         "werkzeug", "executing", "asttokens", "brotli"),
        ("sentry_sdk",),
        tests=("tests/integrations/redis", "tests/integrations/rq"),
    ),
    Project(
        "openai-agents",
        "0.24.0",
        "fakeredis 2.41.0",
        (*PYTEST, ASYNCIO, FAKEREDIS, "pytest-mock", "cryptography", "inline-snapshot", "aiosqlite", "sqlalchemy", "pymongo", "dapr",
         "rich", "graphviz", "fastapi", "textual"),
        ("src",),
        tests=("tests/extensions/memory/test_redis_session.py", "tests/extensions/memory/test_encrypt_session.py"),
        options=("-o", "asyncio_mode=auto"),
    ),
    Project(
        "optuna",
        "5.0.0",
        "fakeredis 2.41.0",
        (*PYTEST, FAKEREDIS, "scipy", "pandas", "grpcio", "protobuf", "boto3", "moto", "google-cloud-storage", "cmaes", "plotly",
         "scikit-learn", "matplotlib"),
        ("optuna",),
        tests=("tests/storages_tests", "tests/test_cli.py"),
        options=("-k", "redis or Redis"),
    ),
    Project(
        "gokart",
        "1.12.2",
        "fakeredis 2.41.0",
        (*PYTEST, FAKEREDIS, "setuptools<81", "toml", "testfixtures", "moto", "boto3", "matplotlib", "tqdm", "parameterized"),
        ("gokart",),
        tests=("test/conflict_prevention_lock",),
    ),
    Project(
        "katsdptelstate",
        "1.0.0",
        "fakeredis 2.41.0",
        (*PYTEST, ASYNCIO, FAKEREDIS, "async_timeout", "rdbtools", "python-lzf"),
        tests=("katsdptelstate/test",),
    ),
    Project(
        "cache-alchemy",
        "0.4.5",
        "fakeredis 2.41.0",
        (*PYTEST, FAKEREDIS),
        ("cache_alchemy",),
    ),
)  # fmt: skip
BY_NAME = {project.name: project for project in PROJECTS}
