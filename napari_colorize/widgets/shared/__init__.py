"""What all panels stand on."""
