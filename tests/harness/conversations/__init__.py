"""One list of conversations, to be had by every SDK with every kind of provider."""
