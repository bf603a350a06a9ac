"""The libraries of Lua scripts: their own tests, and their comparison with a real Redis (`python -m tests.lua --help`)."""
