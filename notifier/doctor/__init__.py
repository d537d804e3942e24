"""What is in the daemon's way, and the cure: the config, the machine, the network. Looks at all, changes nothing.

Each module looks at one thing and answers with findings; `cli.doctor` puts them together.
"""
