# The host's side of the simulated board: command line, supervisor, flash images. What runs
# inside MicroPython is in ../board.
