"""What can go wrong, told apart by who is to blame."""


class ProtocolError(Exception):
    """The peer said what the protocol does not allow, or may be somebody else. Ends the session."""


class Refused(ProtocolError):
    """This host does not go on: what the peer asks for would be less safe than what is set up."""


class BoardError(Exception):
    """The board's own ERROR; its text, as it is."""
