"""Other people's figures: read, checked against everything already known, shown, then written.

`sheet` and `statistics` read files, `proposal` sets them beside the raw tables, `preview` says what
would change, and only `proposal.write` touches data/raw.
"""
