"""Charts: each is made from a result, together with its alt text and the data behind it."""
