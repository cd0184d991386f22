"""Explore one unit at a time: choose, see readings and forecast, move a lever, take it away.

`choice` is a state, `session` its numbers, `said` its words, `panel` what the notebook shows:
widgets where a kernel runs, and the fixed set of states of `still` elsewhere.
"""
