"""The record: rounds that are closed and cannot be changed, and how they are scored.

`archive` writes a round once, in the form of the hubverse, and says when a byte of it has changed.
`scoreboard` sets archived rounds against what was published later. `findings` says it in words.
"""
