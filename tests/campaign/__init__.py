"""The campaign: seeded misfortunes of many kinds, for as many minutes as there are; `make campaign MINUTES=10`.

A kind is a module with a function `case`: it draws one misfortune, lets it happen to real commands in a folder of its
own, asserts what is promised, and returns in words what it did. What fails is repeated by its kind, number and seed.
"""
