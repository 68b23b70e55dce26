"""A board on the desk: what goes onto it, its flash, its serial line, and its first words with the
coordinator. The commands of `headroom board` and `tools/` call what is here.
"""
