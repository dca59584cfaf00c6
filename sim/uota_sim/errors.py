# The one error that the command line shows as one line with exit status 1.


class SimError(Exception):
    pass
