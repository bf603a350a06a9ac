"""What is kept on disk, shown with real servers and killed processes."""
