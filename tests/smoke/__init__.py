"""What an installed zippy must do on any platform."""
