"""What a result says of itself: the provenance record and the legend."""
