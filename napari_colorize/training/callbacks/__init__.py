"""What happens beside the steps of a training: keeping, logging, showing."""
