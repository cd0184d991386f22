"""Explore one unit at a time: choose, see readings and forecast, move a lever, take it away.

`session` is a state and its numbers, all from `analysis.scenarios`; `drawing` its chart; `panel`
what the notebook shows: its words, and widgets where a kernel runs; `shipped` what a page carries
for `explorer.js`, which computes the same in a browser.
"""
