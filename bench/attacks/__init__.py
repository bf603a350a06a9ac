"""What one client may do to make the others wait: `bench stalls` measures how long they do."""
