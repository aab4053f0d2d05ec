"""The campaign: seeded misfortunes of many kinds, for as many minutes as there are; `make campaign MINUTES=10`.

A kind is a module with WAYS: functions that draw one misfortune, let it happen to real commands in a folder of its own,
assert what is promised, and return in words what they did. What fails is repeated by its kind, number and seed.
"""
