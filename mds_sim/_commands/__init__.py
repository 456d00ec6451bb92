"""The commands of the command line, one a module: what each does, says and refuses.

Each module has `SUMMARY`, `EXAMPLES`, `WORD` (what may follow its name), `add_options`
and `run`; `common` is what they share, `options` reads words into numbers, `reading`
takes in people's own data.
"""
