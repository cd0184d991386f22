"""One module for each command of the command line: its options, an example, and what it calls.

Every module has `configure(parser)`, which declares the options, and `run(options) -> int`, which
does the work and returns the exit status. Nothing heavy is imported before `run`.
"""
