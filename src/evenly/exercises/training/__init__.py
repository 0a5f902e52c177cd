"""What a training is made of, worked by hand: first values, losses, updates, rates, penalties."""
