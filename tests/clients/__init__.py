"""Real clients, frameworks and tools against zippy, unchanged and as their users run them."""
