"""Everything at once against one server: commands.py runs for as long as wished, and for a minute in the suite."""
